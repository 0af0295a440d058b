"""One stream for several readers: none gets far ahead of another, and none stops the others for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from typing import Any

from msgspec import Struct

CHUNK = 1 << 18
"""No piece has more bytes."""
DEPTH = 16
"""How many pieces may wait in a lane: 4 MiB."""
TICK = 0.25
"""How exactly waiting is measured, in seconds."""


class Patience(Struct, frozen=True):
    """In seconds. `behind`: how long, in all, a lane may keep others waiting that have nothing left to read; `stalled`: how long
    one may take nothing at all."""

    behind: float = 20.0
    stalled: float = 60.0


class Lane:
    """What is under way to one reader: at most DEPTH pieces of CHUNK bytes. `taken` counts the bytes that were read."""

    def __init__(self, patience: Patience, *, may_fall_behind: bool = True) -> None:
        self.patience = patience
        self.may_fall_behind = may_fall_behind
        self.open = True
        self.taken = 0
        self.behind = False
        """It kept the others waiting for too long."""
        self.stalled = False
        """It took nothing for too long."""
        self._kept_waiting = 0.0
        self._scope = asyncio.timeout(None)
        self._queue: asyncio.Queue[memoryview | None] = asyncio.Queue(DEPTH)

    @property
    def empty(self) -> bool:
        return self._queue.empty()

    async def pieces(self) -> AsyncGenerator[memoryview, None]:
        """What was put, until `finish`."""
        while (piece := await self._queue.get()) is not None:
            yield piece
            self.taken += len(piece)

    async def reading(self, reader: Coroutine[Any, Any, None]) -> None:
        """Runs the reader of this lane. When it ends, or was given up, the lane is closed."""
        try:
            async with self._scope:
                await reader
        except TimeoutError:
            if not self._scope.expired():
                raise
        finally:
            self.open = False
            while not self._queue.empty():
                self._queue.get_nowait()

    async def finish(self) -> None:
        await self._put(None, ())

    def _offer(self, piece: memoryview) -> bool:
        """Takes it if there is room. A closed lane takes everything, and forgets it."""
        if self.open:
            try:
                self._queue.put_nowait(piece)
            except asyncio.QueueFull:
                return False
        return True

    async def _put(self, piece: memoryview | None, everyone: Sequence[Lane]) -> None:
        clock = asyncio.get_running_loop().time
        since = clock()
        while self.open:
            try:
                async with asyncio.timeout(TICK):
                    await self._queue.put(piece)
                    return
            except TimeoutError:
                if any(lane.open and lane.empty for lane in everyone if lane is not self):
                    self._kept_waiting += TICK
                self._lose_patience(clock() - since)

    def _lose_patience(self, taken_nothing_for: float) -> None:
        if not self.open:
            return
        self.behind = self.may_fall_behind and self._kept_waiting > self.patience.behind
        self.stalled = taken_nothing_for > self.patience.stalled
        if self.behind or self.stalled:
            self.open = False
            self._scope.reschedule(asyncio.get_running_loop().time())


async def deal(piece: memoryview, lanes: Sequence[Lane], everyone: Sequence[Lane]) -> None:
    """Gives a piece to each of `lanes`, and waits for those that are full; `everyone` waits with them."""
    full = [lane for lane in lanes if not lane._offer(piece)]
    if full:
        await asyncio.gather(*(lane._put(piece, everyone) for lane in full))
