"""The releases of an environment, kept by the hosts that run it: `ports.Ledger`. Only how far one has come is overwritten."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime

from fairway.engines.common.ledger_codec import (
    Noted,
    Outcome,
    about,
    encode,
    notes,
    outcome_name,
    progress_name,
    records,
    release_name,
)
from fairway.engines.common.shelf import Shelf
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.model.release import Progress, Record, Release


class ShelfLedger:
    """`clock` gives seconds since the epoch. Writers hold the environment's lease: two at once would be one too many."""

    def __init__(self, environment: Environment, shelf: Shelf, *, clock: Callable[[], float] = time.time) -> None:
        self.environment = environment
        self.shelf = shelf
        self.clock = clock
        self._sequences: dict[int, int] = {}
        """The sequence of the last note on each release, as far as this process knows."""

    async def read(self) -> tuple[Record, ...]:
        files = await self.shelf.files()
        for number, noted in notes(files).items():
            self._sequences[number] = max(noted.sequence, self._sequences.get(number, 0))
        return records(files)

    async def intend(self, release: Release) -> None:
        """Raises EngineError where the number has been used: a record is never changed."""
        if await self._used(release.number):
            raise EngineError(
                f"Release {release.number} of {self.environment} is in the ledger already",
                where=self.shelf.host,
                hint="look at fairway releases, and deploy again",
            )
        await self.shelf.write({release_name(release.number): encode(release)}, new=True)
        self._sequences.setdefault(release.number, 0)

    async def _used(self, number: int) -> bool:
        """Whether there is a record of that number; one that was cut short is none."""
        there = await self.shelf.has(release_name(number))
        return there and any(record.release.number == number for record in await self.read())

    async def note(self, release: Release, progress: Progress) -> None:
        number = release.number
        if number not in self._sequences:
            await self.read()
        sequence = self._sequences[number] = self._sequences.get(number, 0) + 1
        noted = Noted(sequence=sequence, progress=progress)
        await self.shelf.write({progress_name(number, sequence): encode(noted)})

    async def forget(self, releases: Collection[Release]) -> None:
        if releases:
            numbers = {release.number for release in releases}
            await self.shelf.remove([name for name in await self.shelf.files() if about(name) in numbers])

    async def conclude(self, release: Release, outcome: str, detail: str = "") -> None:
        now = self.clock()
        finished = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        said = Outcome(outcome=outcome, finished=finished, detail=detail)
        await self.shelf.write({outcome_name(release.number, round(now * 1e9)): encode(said)})
