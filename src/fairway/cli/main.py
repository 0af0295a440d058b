"""The command line. Each command is imported only when it is called."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fairway.cli.commands import COMMANDS, GROUPS, SUMMARY, overview
from fairway.cli.entry import let_go, run

if TYPE_CHECKING:
    from cyclopts import App

FUNCTIONS = {"exec": "exec_", "hosts": "app"}
"""Where they are not called as the command is: `hosts` has commands of its own."""


def application() -> App:
    from cyclopts import App, Group

    app = App(
        name="fairway",
        help=SUMMARY,
        help_format="plaintext",
        version=_version,
        help_on_error=False,
        suppress_keyboard_interrupt=False,
    )
    groups = {title: Group(title, sort_key=place) for place, title in enumerate(GROUPS, 1)}
    for name, group, text in COMMANDS:
        app.command(
            f"fairway.cli.{name}:{FUNCTIONS.get(name, name)}",
            name=name,
            group=groups[group],
            help=text,
        )
    return app


def _version() -> str:
    from importlib.metadata import version  # 20 ms that only `--version` needs

    return version("fairway")


def main() -> None:
    words = sys.argv[1:]
    if words in ([], ["--help"], ["-h"]):
        sys.stdout.write(f"{overview()}\n")  # the libraries of the command line would cost it 200 ms
        let_go()
        return
    sys.exit(run(application(), words))
