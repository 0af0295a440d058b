"""The logs of several replicas as one: what there is in the order of time, then what comes, from new replicas too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import aclosing, suppress

import aiodocker

from fairway.engines.docker import observed
from fairway.engines.docker.logs import Stamped, after, lines
from fairway.engines.docker.watching import changes
from fairway.model.environment import Environment
from fairway.model.fleet import Replica, State
from fairway.ports import LogLine
from fairway.render import names

ALIVE = (State.RUNNING, State.PAUSED, State.RESTARTING)


async def merged(sources: Sequence[AsyncIterator[Stamped]]) -> AsyncIterator[Stamped]:
    """Ordered sources as one ordered whole, holding one line of each."""
    heads = {number: await anext(source, None) for number, source in enumerate(sources)}
    while waiting := {number: head for number, head in heads.items() if head}:
        first = min(waiting, key=lambda number: waiting[number].stamp)
        yield waiting[first]
        heads[first] = await anext(sources[first], None)


class Follower:
    """Reads on where the backlog ended. A replica that restarts, or is new, is read from where it was left."""

    def __init__(self, docker: aiodocker.Docker, environment: Environment, host: str, since: str | None) -> None:
        self.docker = docker
        self.environment = environment
        self.host = host
        self.since = since
        self._seen: dict[str, str] = {}
        self._readers: dict[str, asyncio.Task[None]] = {}
        self._queue: asyncio.Queue[LogLine | BaseException] = asyncio.Queue(maxsize=1000)

    def saw(self, item: Stamped) -> None:
        self._seen[item.line.replica.id] = after(item.stamp)

    async def live(self, services: Collection[str]) -> AsyncIterator[LogLine]:
        """Lines as they are printed, until the reader has enough. Raises EngineUnreachable."""
        watcher = asyncio.create_task(self._watch(services))
        try:
            while True:
                item = await self._queue.get()
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            tasks = [watcher, *self._readers.values()]
            for task in tasks:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, services: Collection[str]) -> None:
        labels = names.of_environment(self.environment, names.Kind.REPLICA)
        try:
            async with aclosing(changes(self.docker, labels, self.host)) as news:
                async for _ in news:
                    for replica in await observed.replicas(self.docker, self.environment, self.host):
                        if replica.revision.service in services:
                            self._read(replica)
        except Exception as error:
            await self._queue.put(error)

    def _read(self, replica: Replica) -> None:
        """Start reading, unless somebody does, or it ended before we came and was read with the backlog."""
        reader = self._readers.get(replica.id)
        if reader and not reader.done():
            return
        if replica.state in ALIVE or replica.id not in self._seen:
            self._readers[replica.id] = asyncio.create_task(self._follow(replica))

    async def _follow(self, replica: Replica) -> None:
        since = self._seen.setdefault(replica.id, self.since or "0")
        async for item in lines(self.docker, replica, follow=True, since=since):
            self.saw(item)
            await self._queue.put(item.line)
