"""The one place where errors become words and exit statuses."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from fairway.model.errors import Exit, FairwayError

DEFECT = "this is a defect in Fairway, not in your files: run the command again with --debug and report what it prints"


def exit_status(error: BaseException) -> int:
    """What a command that ended with `error` exits with, after it has said so on standard error."""
    match error:
        case SystemExit():
            return _exit_code(error.code)
        case FairwayError():
            report(error)
            return error.exit
        case BaseExceptionGroup():
            return exit_status(_first(error))
        case KeyboardInterrupt() | asyncio.CancelledError():
            sys.stderr.write("interrupted\n")
            return Exit.INTERRUPTED
        case BrokenPipeError():
            # The reader has had enough (`fairway logs | head`): say nothing, and let nothing be flushed at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 128 + signal.SIGPIPE
        case _:
            report(FairwayError(f"{type(error).__name__}: {error}", hint=DEFECT))
            return Exit.FAILED


def report(error: FairwayError) -> None:
    """What happened, where, why, and what to do next, on standard error."""
    sys.stderr.write(f"{words(error)}\n")


def words(error: FairwayError) -> str:
    lines = [f"error: {_place(error.where)}{error.what}"]
    for problem in error.problems:
        lines.append(f"  {problem}")
        if problem.hint:
            lines.append(f"      → {problem.hint}")
    if error.why:
        lines += [
            f"  why: {line}" if not index else f"       {line}" for index, line in enumerate(error.why.splitlines())
        ]
    if error.hint:
        lines.append(f"  → {error.hint}")
    cause = error.__cause__
    if isinstance(cause, FairwayError):
        lines.append("  because of this:")
        lines += [f"  {line}" for line in words(cause).splitlines()]
    return "\n".join(lines)


def _place(where: Any) -> str:
    return f"{where}: " if where else ""


def _exit_code(code: Any) -> int:
    if code is None:
        return Exit.DONE
    return code if isinstance(code, int) else Exit.FAILED


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that says most: ours before any other."""
    flat = [_first(error) if isinstance(error, BaseExceptionGroup) else error for error in group.exceptions]
    return next((error for error in flat if isinstance(error, FairwayError)), flat[0])
