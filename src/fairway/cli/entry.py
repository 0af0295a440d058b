"""Runs one command, and gives its exit status."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, NoReturn


def run(called: Callable[[Sequence[str]], Callable[[], Any]], words: Sequence[str]) -> int:
    """The exit status of a command line; everything it has to say is printed. `--debug` shows tracebacks."""
    try:
        result = called(words)()
        if isinstance(result, Coroutine):
            import asyncio

            result = asyncio.run(result)
        sys.stdout.flush()
        status = result if isinstance(result, int) else 0
    except BaseException as error:
        from fairway.cli.errors import exit_status  # its imports would cost `--help` 40 ms

        if not isinstance(error, SystemExit) and ("--debug" in words or os.environ.get("FAIRWAY_DEBUG")):
            traceback.print_exc()
        status = exit_status(error)
    return status


def leave(status: int) -> NoReturn:
    """Ends the process, and leaves it to the kernel to take it apart: Python would need 35 ms for that.

    What nobody reads any more is no failure.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(BrokenPipeError):
            stream.flush()
    os._exit(status)
