"""The hosts of a fleet, as one process sees them: those that answer, and those that are lost.

A host that is lost stays so for as long as this process lives: it has missed what was done meanwhile, and it comes back
with the next command. Calls that are under way to it end at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from msgspec import Struct

from fairway.model.errors import EngineUnreachable, FairwayError, HostLost, UsageError
from fairway.net.client import Docker, DockerError
from fairway.net.docker import connect
from fairway.net.tls import Tls

T = TypeVar("T")

BEAT = 2.0
"""Seconds between two questions to a host whether it is there."""
LAST_CALL = 6.0
"""Seconds that a host has to answer which is said to be dead."""
PARTING = 2.0
"""Seconds that whoever was speaking to a host that is lost has to end."""
SILENCE = 4.0
"""How long it may take to answer; the second time in a row it is lost."""


class Address(Struct, frozen=True):
    """Where a host's engine is."""

    address: str
    tls: Tls | None = None


class Budget(Struct, frozen=True):
    """How many hosts may be lost so that the work goes on without them; None: any number, nothing is changed."""

    most: int | None = None


class Hosts:
    """`engines` are those that answer, by the host's name, in the order of the settings; `lost`, why the others do not.

    `without`: those of the lost ones that an operator knows to be dead, so that they are not counted any more.
    """

    def __init__(
        self,
        engines: Mapping[str, Docker],
        lost: Mapping[str, FairwayError],
        budget: Budget,
        without: Collection[str] = (),
    ) -> None:
        self.engines = dict(engines)
        self.lost = dict(lost)
        self.budget = budget
        self.without = frozenset(without)
        self._gone = {name: asyncio.Event() for name in engines}

    @property
    def size(self) -> int:
        """Of the fleet, lost hosts included, but for those that are known to be dead."""
        return len(self.engines) + len(self.lost) - len(self.without)

    @property
    def ready(self) -> tuple[str, ...]:
        return tuple(self.engines)

    @property
    def first(self) -> str:
        """Raises EngineUnreachable where none is left."""
        self._some()
        return next(iter(self.engines))

    async def each(self, call: Callable[[str], Awaitable[T]], hosts: Iterable[str] | None = None) -> dict[str, T]:
        """What the call says on each of them, all (or `hosts`) side by side; without those that are lost meanwhile.

        All of them to their end, then the first error. Raises HostLost where more are lost than may be.
        """
        self.reckon()
        self._some()
        wanted = [name for name in (self.engines if hosts is None else hosts) if name in self.engines]
        told = await asyncio.gather(*(self.on(name, call(name)) for name in wanted), return_exceptions=True)
        self.reckon()
        found = dict(zip(wanted, told, strict=True))
        for name, result in found.items():
            if isinstance(result, BaseException) and name not in self.lost:
                raise result
        self._some()
        return {name: result for name, result in found.items() if not isinstance(result, BaseException)}

    async def on(self, name: str, call: Awaitable[T]) -> T:
        """The call to one host; it ends, with EngineUnreachable, as soon as the host is lost."""
        task = asyncio.ensure_future(call)
        gone = asyncio.ensure_future(self._gone[name].wait())
        try:
            await asyncio.wait([task, gone], return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise self._silent(name)
            try:
                return task.result()
            except EngineUnreachable:
                await self._doubt(name)
                raise
        finally:
            gone.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=PARTING)

    async def latest(self, watch: Callable[[str], AsyncIterator[T]]) -> AsyncGenerator[Mapping[str, T], None]:
        """What the watch of each host said last, once all have said something, and after each news. Raises HostLost."""
        said: dict[str, T] = {}
        news: asyncio.Queue[tuple[str, T | Exception]] = asyncio.Queue()
        self.reckon()
        self._some()
        tasks = [asyncio.create_task(self._follow(name, watch(name), news)) for name in self.engines]
        try:
            while True:
                name, item = await news.get()
                if not isinstance(item, Exception):
                    said[name] = item
                elif name in self.lost:
                    said.pop(name, None)
                    self._some()
                else:
                    raise item
                self.reckon()
                if news.empty() and said.keys() >= self.engines.keys():
                    yield dict(said)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(
        self, name: str, stream: AsyncIterator[T], news: asyncio.Queue[tuple[str, T | Exception]]
    ) -> None:
        """Puts all that comes, and in the end the error that ended it."""

        async def follow() -> None:
            async for item in stream:
                news.put_nowait((name, item))

        try:
            await self.on(name, follow())
        except Exception as error:
            news.put_nowait((name, error))
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()

    def reckon(self) -> None:
        """Raises HostLost where more are lost than may be: to everybody who asks, for not everybody stops at an error."""
        names = sorted(self.lost.keys() - self.without)
        if self.budget.most is not None and len(names) > self.budget.most:
            raise self._too_many(names)

    def accept(self) -> None:
        """Whoever makes good goes on with those that are left."""
        self.budget = Budget(None)

    def _too_many(self, names: list[str]) -> HostLost:
        one = self.lost[names[0]]
        most = self.budget.most
        allowed = "no host may be lost" if not most else f"{most} of {self.size} may be lost (`max_lost`)"
        return HostLost(
            f"{' and '.join(names)} {'does' if len(names) == 1 else 'do'} not answer",
            where=one.where,
            why=one.why or one.what,
            hint=f"{allowed}: bring it back, and run the command again; or, where it is dead for good, "
            f"`fairway hosts remove {names[0]} --lost`",
            hosts=tuple(names),
        )

    def _some(self) -> None:
        if not self.engines:
            one = next(iter(self.lost.values()))
            raise EngineUnreachable(
                f"none of the {len(self.lost)} hosts answers: nothing was touched",
                where=one.where,
                why=one.why or one.what,
                hint=one.hint,
            )

    async def _doubt(self, name: str) -> None:
        """Somebody could not reach it: a restart is over soon, a loss is not."""
        for _ in range(2):
            if name in self.lost or await _answers(self.engines[name]):
                return
            await asyncio.sleep(0.5)
        self.lose(name)

    def lose(self, name: str) -> None:
        """Nobody speaks to it any more: all connections to it are cut, or whoever tidies up there would wait for ever."""
        docker = self.engines.pop(name, None)
        if docker is not None:
            docker.cut()
            self.lost[name] = self._silent(name)
            self._gone[name].set()

    def _silent(self, name: str) -> EngineUnreachable:
        return EngineUnreachable(
            f"{name} does not answer any more",
            where=name,
            why=f"its engine has said nothing for {2 * SILENCE:g} s, or refuses",
            hint="check the host, its engine, and the network to it",
        )

    async def listen(self) -> None:
        """Asks each host again and again whether it is there, until this is cancelled."""
        await asyncio.gather(*(self._listen(name) for name in list(self.engines)))

    async def _listen(self, name: str) -> None:
        failed = 0
        while name in self.engines:
            await asyncio.sleep(BEAT if not failed else 0.0)
            failed = 0 if await _answers(self.engines[name]) else failed + 1
            if failed == 2:
                self.lose(name)


async def _answers(docker: Docker) -> bool:
    try:
        async with asyncio.timeout(SILENCE), docker.open("GET", "_ping") as said:
            return said.status == 200
    except (DockerError, OSError, TimeoutError):
        await asyncio.sleep(0.1)
        return False


@asynccontextmanager
async def opened(
    addresses: Mapping[str, Address], budget: Budget, timeout: float = 10.0, *, without: Collection[str] = ()
) -> AsyncIterator[Hosts]:
    """Connections to all hosts, made side by side. A wrong address raises, a host that does not answer is lost.

    Raises UsageError where one answers that is said to be dead (`without`).
    """
    async with AsyncExitStack() as stack:

        async def one(name: str, where: Address) -> Docker | EngineUnreachable:
            patience = LAST_CALL if name in without else timeout
            try:
                return await stack.enter_async_context(connect(where.address, tls=where.tls, timeout=patience))
            except EngineUnreachable as error:
                return error

        told = dict(zip(addresses, await asyncio.gather(*(one(*item) for item in addresses.items())), strict=True))
        engines = {name: docker for name, docker in told.items() if isinstance(docker, Docker)}
        lost = {name: error for name, error in told.items() if isinstance(error, EngineUnreachable)}
        if alive := [name for name in without if name in engines]:
            raise UsageError(
                f"{' and '.join(alive)} {'answers' if len(alive) == 1 else 'answer'}: only what is dead is left out",
                hint="run the command as usual; `fairway hosts drain` empties a host",
            )
        hosts = Hosts(engines, lost, budget, without)
        listening = asyncio.create_task(hosts.listen())
        try:
            yield hosts
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
