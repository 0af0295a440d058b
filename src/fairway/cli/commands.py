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
    ("approve", UNDER_WAY, "Let a release that waits go on; or sign that a build may come (--commit, --from)."),
    ("pause", UNDER_WAY, "Keep a release in its phase."),
    ("resume", UNDER_WAY, "Go on with a release that was paused, or whose deployer is gone."),
    (
        "promote",
        UNDER_WAY,
        "Take what serves in one environment to another; or let a release take over at once (--now).",
    ),
    ("abort", UNDER_WAY, "Lead a release back: what served before serves again."),
    ("evidence", RUNNING, "Show and verify what is known of images; `evidence keygen` makes a key."),
    ("audit", RUNNING, "Show who did what, and verify that nothing of it was changed."),
    ("releases", RUNNING, "List releases: number, commit, who, when, outcome."),
    ("status", RUNNING, "Show what serves, what is under way, and what is wrong."),
    ("secrets", RUNNING, "Set, rotate, list and prune secrets, and say who can read them."),
    ("hosts", RUNNING, "Show the hosts, and what is wrong with them; `hosts bootstrap` makes one."),
    ("certificates", RUNNING, "Show the certificates that users are shown, and renew them."),
    ("ps", RUNNING, "List the replicas."),
    ("stats", RUNNING, "Show what the replicas use: CPU, memory, network, disk, processes."),
    ("logs", RUNNING, "Show the logs of all replicas, merged."),
    ("exec", RUNNING, "Run a command in a running replica."),
    ("run", RUNNING, "Run a one-off container with the release's configuration."),
    ("reconcile", RUNNING, "Bring what runs back to what was promoted; what was kept long enough goes."),
    ("prune", RUNNING, "Remove what is left of old releases."),
    ("down", RUNNING, "Remove the application from an environment."),
    ("init", FILES, "Write a fairway.yaml from a compose.yaml."),
    ("check", FILES, "Check the files, and that the hosts can honour them; --security: how safe it all is."),
    ("config", FILES, "Print the normalised application."),
    ("docs", FILES, "Print the manual of a topic."),
    ("completion", FILES, "Print the completion script of a shell."),
)


MORE = {
    "secrets": (
        ("list", "secrets:secrets", "List the secrets, never their values."),
        ("set", "secrets_set:set_", "Give a secret a new value: from standard input, a prompt, or a file."),
        ("get", "secrets_get:get_", "Print the value of one secret."),
        ("edit", "secrets_edit:edit_", "Edit all secrets in $EDITOR."),
        ("rotate", "secrets_rotate:rotate_", "Give a secret a new random value, or one that a command prints."),
        ("remove", "secrets_set:remove_", "Remove a secret; what releases pin of it stays."),
        ("versions", "secrets_versions:versions_", "List the versions, and which releases pin them."),
        ("prune", "secrets_prune:prune_", "Forget the versions that no release needs that is kept."),
        ("recipients", "secrets_recipients:recipients", "List who can read the age file."),
        ("recipients add", "secrets_recipients:add", "Let somebody read the secrets."),
        ("recipients remove", "secrets_recipients:remove", "Let somebody read nothing that is written from now on."),
    ),
    "certificates": (("renew", "certificates:renew", "Get a new certificate for names that have one, now."),),
    "evidence": (("keygen", "evidence:keygen", "Make a pair of keys to sign with."),),
    "hosts": (
        ("bootstrap", "hosts_bootstrap:bootstrap", "Make a working, hardened Docker host of a bare Debian or Ubuntu."),
        ("drain", "hosts_drain:drain", "Move what runs on a host to the others; place nothing new on it."),
        ("undrain", "hosts_drain:undrain", "Give a drained host back."),
        ("remove", "hosts_drain:remove", "Drain a host, and remove what is left on it."),
        (
            "rotate-authority",
            "hosts_authority:rotate_authority",
            "Exchange the authority of the gateways, while they serve.",
        ),
    ),
}
"""Commands below a command: their name, the module and function, and what they do."""


def overview() -> str:
    """What `fairway --help` prints."""
    width = max(len(name) for name, _, _ in COMMANDS)
    lines = ["Usage: fairway COMMAND", "", SUMMARY]
    for group in GROUPS:
        lines += ["", f"{group}:"]
        lines += [f"  {name:<{width}}  {text}" for name, among, text in COMMANDS if among == group]
    lines += ["", "`fairway COMMAND --help` tells more, `fairway --version` which version this is."]
    return "\n".join(lines)
