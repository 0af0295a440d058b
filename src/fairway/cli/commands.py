"""Which commands there are, in the order in which one needs them. Nothing is imported for it: `--help` is instant."""

from __future__ import annotations

SUMMARY = "Takes a Compose application from a commit to production, without one failed request."

FROM_COMMIT = "From a commit to production"
UNDER_WAY = "A release under way, from any machine"
RUNNING = "What runs"
FILES = "Files and manual"
GROUPS = (FROM_COMMIT, UNDER_WAY, RUNNING, FILES)

COMMANDS = (
    ("ship", FROM_COMMIT, "Build, test, push and deploy the current commit."),
    ("build", FROM_COMMIT, "Build the images of the current commit."),
    ("test", FROM_COMMIT, "Test exactly the images that were built."),
    ("push", FROM_COMMIT, "Push the images that have passed."),
    ("plan", FROM_COMMIT, "Show what a deployment would do; change nothing."),
    ("deploy", FROM_COMMIT, "Deploy what was built and tested, without one failed request."),
    ("rollback", FROM_COMMIT, "Bring back an earlier release, whole."),
    ("approve", UNDER_WAY, "Let a release that waits for approval go on."),
    ("pause", UNDER_WAY, "Keep a release in its phase."),
    ("resume", UNDER_WAY, "Go on with a release that was paused, or whose deployer is gone."),
    ("promote", UNDER_WAY, "Let a release take over at once (--now)."),
    ("abort", UNDER_WAY, "Lead a release back: what served before serves again."),
    ("releases", RUNNING, "List releases: number, commit, who, when, outcome."),
    ("status", RUNNING, "Show what serves, what is under way, and what is wrong."),
    ("hosts", RUNNING, "Show the hosts, and what is wrong with them; `hosts bootstrap` makes one."),
    ("ps", RUNNING, "List the replicas."),
    ("logs", RUNNING, "Show the logs of all replicas, merged."),
    ("exec", RUNNING, "Run a command in a running replica."),
    ("run", RUNNING, "Run a one-off container with the release's configuration."),
    ("reconcile", RUNNING, "Bring what runs back to what was promoted; what was kept long enough goes."),
    ("down", RUNNING, "Remove the application from an environment."),
    ("init", FILES, "Write a fairway.yaml from a compose.yaml."),
    ("check", FILES, "Check the files, and that the hosts can honour them."),
    ("config", FILES, "Print the normalised application."),
    ("docs", FILES, "Print the manual of a topic."),
    ("completion", FILES, "Print the completion script of a shell."),
)


def overview() -> str:
    """What `fairway --help` prints."""
    width = max(len(name) for name, _, _ in COMMANDS)
    lines = ["Usage: fairway COMMAND", "", SUMMARY]
    for group in GROUPS:
        lines += ["", f"{group}:"]
        lines += [f"  {name:<{width}}  {text}" for name, among, text in COMMANDS if among == group]
    lines += ["", "`fairway COMMAND --help` tells more, `fairway --version` which version this is."]
    return "\n".join(lines)
