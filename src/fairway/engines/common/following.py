"""The logs of several replicas as one: what there is in the order of time, then what comes, from new replicas too."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import aclosing

from fairway.engines.common.lines import Stamped, after, merged
from fairway.ports import LogLine


class Follower(ABC):
    """`since`: where one begins of which nothing has been read, in seconds since the epoch, as decimal text."""

    def __init__(self, since: str | None) -> None:
        self.since = since
        self.seen: dict[str, str] = {}
        """Where to read on, by the replica's id."""
        self.readers: dict[str, asyncio.Task[None]] = {}
        self._queue: asyncio.Queue[LogLine | BaseException] = asyncio.Queue(maxsize=1000)

    async def lines(
        self, backlog: Sequence[AsyncIterator[Stamped]], services: Collection[str]
    ) -> AsyncIterator[LogLine]:
        """`services` are those that are followed from there on."""
        async for item in merged(backlog):
            self._saw(item)
            yield item.line
        if services:
            async for line in self._live(services):
                yield line

    @abstractmethod
    async def watch(self, services: Collection[str]) -> None:
        """Calls `read` for what is there, and what comes, until it is cancelled."""

    def start(self, replica: str) -> str:
        return self.seen.get(replica) or self.since or "0"

    def read(self, key: str, stream: AsyncGenerator[Stamped, None]) -> None:
        self.readers[key] = asyncio.create_task(self._follow(stream))

    async def _live(self, services: Collection[str]) -> AsyncIterator[LogLine]:
        """Until the reader has enough. Raises what `watch` does."""
        watcher = asyncio.create_task(self._watch(services))
        try:
            while True:
                item = await self._queue.get()
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            tasks = [watcher, *self.readers.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, services: Collection[str]) -> None:
        try:
            await self.watch(services)
        except Exception as error:
            await self._queue.put(error)

    async def _follow(self, stream: AsyncGenerator[Stamped, None]) -> None:
        async with aclosing(stream) as found:
            async for item in found:
                self._saw(item)
                await self._queue.put(item.line)

    def _saw(self, item: Stamped) -> None:
        self.seen[item.line.replica.id] = after(item.stamp)
