"""What the commands that change something have to tell the audit trail."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass

from fairway.cli.common import warn, whoami
from fairway.model.audit import Entry
from fairway.model.errors import (
    FairwayError,
    Held,
    InvalidFiles,
    Locked,
    Partial,
    Refused,
    RolledBack,
    UsageError,
    shorten,
)
from fairway.model.release import Release
from fairway.ports import Trail

LONGEST = 500
"""Characters of what went wrong."""


@dataclass
class Told:
    """Filled in while the command runs. `changed` False: it has done nothing, and nothing is written down.

    `detail` says what a command was about where that is no release: never a value, nor what was run in a container.
    """

    release: int = 0
    changed: bool = True
    detail: str = ""
    override: str = ""
    overridden: tuple[str, ...] = ()
    dropped: tuple[int, ...] = ()

    async def begins(self, release: Release) -> None:
        self.release = release.number


async def write(trail: Trail, doing: str, told: Told, error: BaseException | None) -> None:
    """That it cannot be written changes nothing of what the command has done: it is said."""
    if isinstance(error, (UsageError, InvalidFiles, GeneratorExit)) or (error is None and not told.changed):
        return
    who, _, machine = whoami().partition("@")
    entry = Entry(
        who=who,
        machine=machine or socket.gethostname(),
        command=doing,
        outcome=outcome(error),
        release=told.release,
        detail=": ".join(filter(None, [told.detail, _words(error)])),
        override=told.override,
        overridden=told.overridden,
        dropped=told.dropped,
    )
    try:
        await asyncio.shield(trail.append(entry))
    except FairwayError as failure:
        warn(f"the audit trail has no line of this: {failure.what}")


def outcome(error: BaseException | None) -> str:
    match error:
        case None:
            return "done"
        case Refused():
            return "refused"
        case Locked():
            return "locked"
        case RolledBack():
            return "rolled back"
        case Partial():
            return "partial"
        case Held():
            return "held"
        case asyncio.CancelledError() | KeyboardInterrupt():
            return "interrupted"
        case _:
            return "failed"


def _words(error: BaseException | None) -> str:
    if not isinstance(error, FairwayError):
        return ""
    causes = [error.what, *(f"{'.'.join(one.path)}: {one.what}" for one in error.problems)]
    if isinstance(error.__cause__, FairwayError):
        causes.append(error.__cause__.what)
    return shorten("; ".join(causes), LONGEST)
