"""The command line. Each command is imported only when it is called."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NoReturn

from fairway.cli.commands import COMMANDS, MORE, overview
from fairway.cli.entry import leave, run

FUNCTIONS = {"exec": "exec_"}
"""Where they are not called as the command is."""


def main() -> NoReturn:
    words, status = sys.argv[1:], 0
    if words in ([], ["--help"], ["-h"]):
        sys.stdout.write(f"{overview()}\n")
    elif words == ["--version"]:
        sys.stdout.write(f"{_version()}\n")
    else:
        status = run(called, words)
    leave(status)


def called(words: Sequence[str]) -> Callable[[], Any]:
    """The command that is meant, with its arguments. Raises UsageError; SystemExit after `--help` was shown."""
    from fairway.cli.arguments import bound

    name, *rest = words
    if name not in {known for known, _, _ in COMMANDS}:
        raise _no_command(name)
    below = {tuple(one.split()): place for one, place, _ in MORE.get(name, ())}
    for depth in (2, 1):
        if place := below.get(tuple(rest[:depth])):
            return bound(function(place), " ".join(["fairway", name, *rest[:depth]]), rest[depth:])
    return bound(function(f"{name}:{FUNCTIONS.get(name, name)}"), f"fairway {name}", rest, more(name))


def function(place: str) -> Callable[..., Any]:
    """`module:function`, below this package."""
    module, _, named = place.partition(":")
    found: Callable[..., Any] = getattr(import_module(f"fairway.cli.{module}"), named)
    return found


def more(name: str) -> str:
    """The commands below a command, for its help."""
    width = max((len(one) for one, _, _ in MORE.get(name, ())), default=0)
    lines = [f"  {one:<{width}}  {text}" for one, _, text in MORE.get(name, ())]
    return "\n".join(["commands:", *lines]) if lines else ""


def _no_command(name: str) -> Exception:
    from difflib import get_close_matches

    from fairway.model.errors import UsageError

    close = get_close_matches(name, [known for known, _, _ in COMMANDS], n=1)
    meant = f" Did you mean {close[0]!r}?" if close else ""
    return UsageError(f"there is no command {name!r}.{meant}", hint="`fairway --help` lists them")


def _version() -> str:
    from importlib.metadata import version  # 20 ms that only `--version` needs

    return version("fairway")
