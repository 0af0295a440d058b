"""What an operator does with running replicas, wherever they run: `ports.Console` of a fleet."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from fairway.engines.docker.console import DockerConsole
from fairway.model.errors import EngineUnreachable
from fairway.model.fleet import Replica
from fairway.model.release import Release, Revision
from fairway.model.usage import Sample
from fairway.net.hosts import Hosts
from fairway.ports import LogLine

LATE = 0.25
"""Seconds that a line may come later than one of another host that was printed after it."""


Home = Callable[[Release, Revision], Awaitable[str]]


class FleetConsole:
    """`consoles` by host; `home` says where a one-off container of a revision belongs: its data may be there. `forget` is called
    once there are no data any more."""

    def __init__(
        self, hosts: Hosts, consoles: Mapping[str, DockerConsole], home: Home, forget: Callable[[], Awaitable[None]]
    ) -> None:
        self.hosts = hosts
        self.consoles = consoles
        self.home = home
        self.forget = forget

    async def logs(
        self, replicas: Sequence[Replica], *, follow: bool = False, since: float | None = None, tail: int | None = None
    ) -> AsyncIterator[LogLine]:
        """Lines of all hosts in the order of their times. A host that is lost says nothing more."""
        mine = {name: [one for one in replicas if one.host == name] for name in self.hosts.ready}
        asked = {name: found for name, found in mine.items() if found or follow}
        sources = [
            self.consoles[name].logs(found, follow=follow, since=since, tail=tail) for name, found in asked.items()
        ]
        async for line in in_order(sources, LATE if follow else None):
            yield line

    async def sample(self, replicas: Sequence[Replica]) -> Mapping[str, Sample]:
        mine = {name: [one for one in replicas if one.host == name] for name in self.hosts.ready}
        asked = [name for name, found in mine.items() if found]
        told = await self.hosts.each(lambda name: self.consoles[name].sample(mine[name]), asked)
        return {identity: one for found in told.values() for identity, one in found.items()}

    async def exec(self, replica: Replica, command: Sequence[str], *, tty: bool = False, stdin: bool = False) -> int:
        return await self.consoles[replica.host].exec(replica, command, tty=tty, stdin=stdin)

    async def run(
        self,
        release: Release,
        service: str,
        command: Sequence[str],
        secrets: Mapping[str, bytes],
        *,
        environment: Mapping[str, str] | None = None,
        tty: bool = False,
    ) -> int:
        where = self.consoles[await self.home(release, release.revisions[service])]
        return await where.run(release, service, command, secrets, environment=environment, tty=tty)

    async def down(self, *, volumes: bool = False) -> tuple[str, ...]:
        gone = await self.hosts.each(lambda name: self.consoles[name].down(volumes=volumes))
        if volumes:
            await self.forget()
        return tuple(name for names in gone.values() for name in names)


class _Source:
    """The lines of one host that nobody has read yet, each with the moment at which it came; None where there are no more."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[tuple[float, LogLine] | None] = asyncio.Queue(100)

    async def read(self, stream: AsyncIterator[LogLine], news: asyncio.Event) -> None:
        """To its end; a host that is lost has no more to say."""
        try:
            async for line in stream:
                await self.lines.put((time.monotonic(), line))
                news.set()
        except EngineUnreachable:
            pass
        finally:
            await self.lines.put(None)
            news.set()


async def in_order(streams: Sequence[AsyncIterator[LogLine]], late: float | None) -> AsyncGenerator[LogLine, None]:
    """Ordered streams as one. With `late`, none is waited for longer than so many seconds: they have no end."""
    news = asyncio.Event()
    sources = [_Source() for _ in streams]
    tasks = [asyncio.create_task(one.read(stream, news)) for one, stream in zip(sources, streams, strict=True)]
    try:
        async for line in _merged(sources, news, late):
            yield line
        for task in tasks:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _merged(sources: Sequence[_Source], news: asyncio.Event, late: float | None) -> AsyncGenerator[LogLine, None]:
    heads: list[tuple[float, int, float, LogLine]] = []
    silent = set(range(len(sources)))
    """Those of which no line is held, and that have not ended."""
    while silent or heads:
        news.clear()
        for number in [number for number in silent if not sources[number].lines.empty()]:
            silent.discard(number)
            if item := sources[number].lines.get_nowait():
                heapq.heappush(heads, (item[1].at, number, *item))
        patience = max(0.0, heads[0][2] + late - time.monotonic()) if heads and late is not None else None
        if silent and patience != 0.0:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await news.wait()
        elif heads:
            _, number, _, line = heapq.heappop(heads)
            silent.add(number)
            yield line
