"""Keeps how far a release has come where whoever goes on with it, or asks for it, will look."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from fairway.model.errors import FairwayError
from fairway.model.judgement import Opinion
from fairway.model.release import Progress
from fairway.model.steps import Hold


async def nowhere(progress: Progress) -> None:
    """Writes nothing down: the way back has no phases."""


@dataclass(slots=True)
class Journal:
    """`progress` is how far an earlier deployer had come; `write` keeps what it has become."""

    progress: Progress = field(default_factory=Progress)
    write: Callable[[Progress], Awaitable[None]] = nowhere
    done: frozenset[str] = frozenset()
    """The jobs that have been run, in this release or in one before it."""

    async def enter(self, hold: Hold) -> None:
        """A phase has its traffic. One that was entered before goes on from the time it was."""
        if hold.phase and hold.phase != self.progress.phase:
            await self._note(replace(self.progress, phase=hold.phase, since=time.time(), evidence={}))

    async def judged(self, service: str, opinion: Opinion) -> None:
        """Evidence that cannot be written down is no reason to stop."""
        evidence = {**self.progress.evidence, service: opinion}
        with suppress(FairwayError):
            await self._note(replace(self.progress, evidence=evidence))

    async def ran(self, job: str) -> None:
        self.done |= {job}
        await self._note(replace(self.progress, done=(*self.progress.done, job)))

    async def _note(self, progress: Progress) -> None:
        self.progress = progress
        await self.write(progress)
