"""The command line: which commands there are. Each is imported only when it is called, so that `--help` is instant."""

from __future__ import annotations

import sys

from cyclopts import App, Group

from fairway.cli.entry import run

FROM_COMMIT = Group("From a commit to production", sort_key=1)
UNDER_WAY = Group("A release under way, from any machine", sort_key=2)
RUNNING = Group("What runs", sort_key=3)
FILES = Group("Files and manual", sort_key=4)

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
    ("ps", RUNNING, "List the replicas."),
    ("logs", RUNNING, "Show the logs of all replicas, merged."),
    ("exec", RUNNING, "Run a command in a running replica."),
    ("run", RUNNING, "Run a one-off container with the release's configuration."),
    ("down", RUNNING, "Remove the application from an environment."),
    ("init", FILES, "Write a fairway.yaml from a compose.yaml."),
    ("check", FILES, "Check the files, and that the hosts can honour them."),
    ("config", FILES, "Print the normalised application."),
    ("docs", FILES, "Print the manual of a topic."),
    ("completion", FILES, "Print the completion script of a shell."),
)


def application() -> App:
    app = App(
        name="fairway",
        help="Takes a Compose application from a commit to production, without one failed request.",
        version=_version,
        help_on_error=False,
        suppress_keyboard_interrupt=False,
    )
    for name, group, text in COMMANDS:
        app.command(
            f"fairway.cli.{name}:{name}_" if name == "exec" else f"fairway.cli.{name}:{name}",
            name=name,
            group=group,
            help=text,
        )
    return app


def _version() -> str:
    from importlib.metadata import version  # 20 ms that only `--version` needs

    return version("fairway")


def main() -> None:
    sys.exit(run(application(), sys.argv[1:]))
