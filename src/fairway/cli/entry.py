"""Runs one command, and gives its exit status."""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cyclopts import App


def run(app: App, words: Sequence[str]) -> int:
    """The exit status of a command line; everything it has to say is printed. `--debug` shows tracebacks."""
    try:
        result = app(words, result_action="return_value", exit_on_error=False, print_error=False)
    except BaseException as error:
        from fairway.cli.errors import exit_status  # its imports would cost `--help` 40 ms

        if not isinstance(error, SystemExit) and ("--debug" in words or os.environ.get("FAIRWAY_DEBUG")):
            traceback.print_exc()
        return exit_status(error)
    return result if isinstance(result, int) else 0
