"""The one place where errors become words and exit statuses."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from fairway.model.app import Location
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
            # The reader has had enough (`fairway logs | head`): say nothing.
            return 128 + signal.SIGPIPE
        case _:
            report(FairwayError(f"{type(error).__name__}: {error}", hint=DEFECT))
            return Exit.FAILED


def report(error: FairwayError) -> None:
    """What happened, where, why, and what to do next, on standard error; that nobody reads it changes no exit status."""
    with suppress(BrokenPipeError):
        sys.stderr.write(f"{words(error)}\n")
        sys.stderr.flush()


def words(error: FairwayError) -> str:
    lines = [f"error: {_place(error)}{error.what}"]
    for problem in error.problems:
        lines.append(f"  {replace(problem, where=near(problem.where))}")
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


def near(where: Location | str | None) -> Location | str | None:
    """A place as one sees it from here: files below this directory by their relative paths."""
    file = where.file if isinstance(where, Location) else where
    if not file or not file.startswith("/") or not Path(file).is_relative_to(Path.cwd()):
        return where
    short = str(Path(file).relative_to(Path.cwd()))
    return replace(where, file=short) if isinstance(where, Location) else short


def _place(error: FairwayError) -> str:
    """Where, unless the error says so itself."""
    place = str(near(error.where) or "")
    return f"{place}: " if place and str(error.where) not in error.what else ""


def _exit_code(code: Any) -> int:
    if code is None:
        return Exit.DONE
    return code if isinstance(code, int) else Exit.FAILED


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that says most: ours before any other."""
    flat = [_first(error) if isinstance(error, BaseExceptionGroup) else error for error in group.exceptions]
    return next((error for error in flat if isinstance(error, FairwayError)), flat[0])
