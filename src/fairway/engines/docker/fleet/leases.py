"""The right to change an environment of several hosts: the leases of most of them.

Two deployers cannot both have most of the hosts, wherever the network between them is cut. Who has them keeps the right with
half of them: nobody else can then have most.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from fairway.engines.common.guard import guarded
from fairway.engines.common.together import unbroken
from fairway.engines.docker.lease import DockerLeases
from fairway.model.environment import Environment
from fairway.model.errors import EngineError, FairwayError, Locked
from fairway.net.hosts import Hosts
from fairway.ports import Holder

AGAIN = 0.5
"""Seconds until it is tried again where two deployers have met half-way."""


class FleetLeases:
    """`lease` makes that of a host; all of them write down the same time, by which they are known to be one."""

    def __init__(
        self,
        environment: Environment,
        hosts: Hosts,
        lease: Callable[[str, Callable[[], float]], DockerLeases],
        clock: Callable[[], float],
    ) -> None:
        self.environment = environment
        self.hosts = hosts
        self.clock = clock
        self._since = 0.0
        self._leases: Mapping[str, DockerLeases] = {name: lease(name, lambda: self._since) for name in hosts.ready}

    async def holder(self) -> Holder | None:
        """Who holds most of those that can be asked."""
        told = [
            holder for holder in (await self.hosts.each(lambda name: self._leases[name].holder())).values() if holder
        ]
        return max(told, key=told.count, default=None)

    @asynccontextmanager
    async def hold(self, doing: str, wait: float = 0.0) -> AsyncIterator[asyncio.Event]:
        self.hosts.reckon()
        bundle = await self._acquire(doing, wait)
        async with guarded(bundle.ended, lambda: unbroken(bundle.release()), self._lost) as lost:
            yield lost

    async def _acquire(self, doing: str, wait: float) -> _Bundle:
        deadline = time.monotonic() + wait
        self._refuse_minority()
        while True:
            self._since = self.clock()
            bundle = _Bundle(self.hosts, self._leases, doing)
            try:
                await bundle.take(max(0.0, deadline - time.monotonic()))
                if bundle.held > self.hosts.size // 2:
                    return bundle
                self._refuse_minority()
                raise bundle.refusal or bundle.failure or self._lost()
            except BaseException as error:
                await unbroken(bundle.release())
                if not isinstance(error, Locked) or time.monotonic() + AGAIN > deadline:
                    raise
            await asyncio.sleep(AGAIN)

    def _refuse_minority(self) -> None:
        """Raises EngineError where so few hosts answer that somebody else could have the others."""
        there, all_ = len(self.hosts.ready), self.hosts.size
        if there <= all_ // 2:
            missing = ", ".join(sorted(self.hosts.lost))
            raise EngineError(
                f"{self.environment} cannot be locked: {there} of its {all_} hosts answer",
                where=missing,
                why="somebody who reaches the others could change it at the same time",
                hint="bring them back; where you know that one is dead, and that nobody else changes anything through it: `--without HOST`",
            )

    def _lost(self) -> EngineError:
        return EngineError(
            f"The lease of {self.environment} was lost",
            where=", ".join(self._leases),
            why=f"less than half of its {self.hosts.size} hosts still know it",
            hint="run the command again: it goes on from what is there",
        )


class _Bundle:
    """The leases of several hosts, each held by a task of its own."""

    def __init__(self, hosts: Hosts, leases: Mapping[str, DockerLeases], doing: str) -> None:
        self.hosts = hosts
        self.leases = leases
        self.doing = doing
        self.refusal: Locked | None = None
        self.failure: FairwayError | None = None
        self._free = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._held: set[str] = set()
        self._news = asyncio.Event()

    @property
    def held(self) -> int:
        return len(self._held)

    async def ended(self) -> None:
        """Returns when less than half of the leases are left."""
        while 2 * self.held >= self.hosts.size:
            await self.changed()

    async def changed(self) -> None:
        self._news.clear()
        await self._news.wait()

    async def take(self, wait: float) -> None:
        """First that of the first host, for which one may wait: so two deployers do not each take some. Raises Locked."""
        first, *others = self.hosts.ready
        await self._take(first, wait)
        if self.refusal:
            raise self.refusal
        await asyncio.gather(*(self._take(name, min(wait, AGAIN)) for name in others))

    async def _take(self, name: str, wait: float) -> None:
        """Returns when it is held, or cannot be."""
        self._tasks[name] = asyncio.create_task(self._keep(name, wait))
        while name not in self._held and not self._tasks[name].done():
            await self.changed()
        if self._tasks[name].done():
            self._tasks[name].result()

    async def _keep(self, name: str, wait: float) -> None:
        async def keep() -> None:
            async with self.leases[name].hold(self.doing, wait):
                self._held.add(name)
                self._news.set()
                await self._free.wait()

        try:
            await self.hosts.on(name, keep())
        except Locked as error:
            self.refusal = error
        except FairwayError as error:  # the host, or its lease, is lost: the others count
            self.failure = error
        finally:
            self._held.discard(name)
            self._news.set()

    async def release(self) -> None:
        self._free.set()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
