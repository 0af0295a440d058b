"""What operators say to a rollout while it is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress

from msgspec import Struct, field

from fairway.model.errors import Aborted, FairwayError
from fairway.model.orders import Order, Signal
from fairway.ports import Signals

AGAIN = 1.0
"""Seconds until it is listened again where the engine has stopped telling."""


class Orders(Struct):
    """The orders to one release. An abort beats every other order; of pause and resume the last one counts."""

    release: int
    given: tuple[Signal, ...] = ()
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something was said."""
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when all that was said before this began is known."""
    _abort: asyncio.Event = field(default_factory=asyncio.Event)
    _promote: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self, signals: Signals) -> None:
        """Listens until it is cancelled: a rollout to which nobody can say a word any more could wait for ever."""
        while True:
            with suppress(FairwayError):
                async for given in signals.watch():
                    self.take(given)
            await asyncio.sleep(AGAIN)

    def take(self, given: tuple[Signal, ...]) -> None:
        self.given = tuple(signal for signal in given if signal.release == self.release)
        if self._last(Order.ABORT):
            self._abort.set()
        if self.promoted:
            self._promote.set()
        self.news.set()
        self.heard.set()

    @property
    def aborted(self) -> Signal | None:
        return self._last(Order.ABORT)

    @property
    def promoted(self) -> Signal | None:
        return self._last(Order.PROMOTE)

    @property
    def paused(self) -> Signal | None:
        said = self._last(Order.PAUSE, Order.RESUME)
        return said if said and said.order is Order.PAUSE else None

    def approved(self, phase: int) -> Signal | None:
        """An approval is for the phase that it was given in: a late one does not open the next."""
        found = (signal for signal in self.given if signal.order is Order.APPROVE and signal.phase == phase)
        return next(found, None)

    def refuse_aborted(self) -> None:
        """Raises Aborted where somebody has said so."""
        if said := self.aborted:
            raise Aborted(f"{said.by} has aborted the release")

    async def unless_aborted(self, doing: Awaitable[None]) -> None:
        """Does it to its end, or leaves off at once and raises Aborted when somebody says so."""
        await _unless(self._abort, doing)
        self.refuse_aborted()

    async def unpaused(self) -> None:
        """Returns when no pause holds the release back; at once where somebody wants it promoted."""
        while self.paused and not self.promoted:
            self.news.clear()
            await self.news.wait()

    async def unless_promoted(self, doing: Awaitable[None]) -> None:
        """Does it to its end, or leaves off at once when somebody wants the release without it."""
        await _unless(self._promote, doing)

    def _last(self, *orders: Order) -> Signal | None:
        return next((signal for signal in reversed(self.given) if signal.order in orders), None)


async def _unless(said: asyncio.Event, doing: Awaitable[None]) -> None:
    task = asyncio.ensure_future(doing)
    hearing = asyncio.create_task(said.wait())
    try:
        await asyncio.wait({task, hearing}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
    finally:
        task.cancel()
        hearing.cancel()
        await asyncio.gather(task, hearing, return_exceptions=True)
