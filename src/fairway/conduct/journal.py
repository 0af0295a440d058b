"""Keeps how far a release has come where whoever goes on with it, or asks for it, will look."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from msgspec import Struct, field
from msgspec.structs import replace

from fairway.model.errors import FairwayError
from fairway.model.judgement import Opinion
from fairway.model.release import Progress
from fairway.model.steps import Hold

PATIENCE = 5.0
"""Seconds that the writing of evidence may take: a verdict waits for it."""


async def nowhere(progress: Progress) -> None:
    """Writes nothing down: the way back has no phases."""


async def unknown() -> str:
    """No lease that could be named."""
    return ""


class Journal(Struct):
    """`progress` is how far an earlier deployer had come; `write` keeps what it has become."""

    progress: Progress = field(default_factory=Progress)
    write: Callable[[Progress], Awaitable[None]] = nowhere
    lease: Callable[[], Awaitable[str]] = unknown
    """Which lease is held."""
    clock: Callable[[], float] = time.time
    """Seconds since the epoch, as the environment has them."""
    done: frozenset[str] = frozenset()
    """The jobs that have been run, in this release or in one before it."""
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Two services are judged at once, and what was noted last has to be what is kept."""

    def __post_init__(self) -> None:
        self.done |= frozenset(self.progress.done)

    async def enter(self, hold: Hold) -> None:
        """A phase has its traffic. One that was entered before goes on from the time it was."""
        if not hold.phase:
            return
        lease = await self.lease()
        if hold.phase != self.progress.phase:
            await self._note(replace(self.progress, phase=hold.phase, since=self.clock(), evidence={}, lease=lease))
        elif lease != self.progress.lease:
            await self._note(replace(self.progress, lease=lease))

    async def judged(self, service: str, opinion: Opinion) -> None:
        """Evidence that cannot be written down is no reason to stop."""
        evidence = {**self.progress.evidence, service: opinion}
        with suppress(FairwayError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._note(replace(self.progress, evidence=evidence))

    async def ran(self, job: str) -> None:
        self.done |= {job}
        await self._note(replace(self.progress, done=(*self.progress.done, job)))

    async def _note(self, progress: Progress) -> None:
        self.progress = progress
        async with self._writing:
            await self.write(self.progress)
