"""Runs one command, and gives its exit status."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cyclopts import App


def run(app: App, words: Sequence[str]) -> int:
    """The exit status of a command line; everything it has to say is printed. `--debug` shows tracebacks."""
    try:
        result = app(words, result_action="return_value", exit_on_error=False, print_error=False)
        sys.stdout.flush()
        status = result if isinstance(result, int) else 0
    except BaseException as error:
        from fairway.cli.errors import exit_status  # its imports would cost `--help` 40 ms

        if not isinstance(error, SystemExit) and ("--debug" in words or os.environ.get("FAIRWAY_DEBUG")):
            traceback.print_exc()
        status = exit_status(error)
    let_go()
    return status


def let_go() -> None:
    """What nobody reads any more must not be flushed once again at exit: Python would end with a status of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
