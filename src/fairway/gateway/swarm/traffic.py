"""The gateways of a Swarm as one: fulfils ports.Traffic, and ports.Edges.

All of them have the same table, for every one reaches every task. A revision's tasks are found by its name: Swarm moves
them while nobody deploys, and takes a task out of the name two seconds before it stops it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import TypeVar

from msgspec.structs import replace

from fairway.gateway import script
from fairway.gateway.edge import EdgeTls
from fairway.gateway.swarm.courier import Courier
from fairway.gateway.swarm.lifetime import Gateways
from fairway.gateway.swarm.services import GATEWAY
from fairway.gateway.swarm.task import Seat, Task, TaskGateway
from fairway.model.edge import Seen, Showing
from fairway.model.environment import Environment
from fairway.model.errors import EngineUnreachable, FairwayError, GatewayError
from fairway.model.fleet import Fleet
from fairway.model.judgement import Scrape
from fairway.model.release import Revision
from fairway.model.routes import Backend, Endpoint, RoutedService, RoutingTable
from fairway.net.certificates import LIFETIME
from fairway.net.managers import Managers
from fairway.net.shell import ShellEnded
from fairway.render import swarm_names

T = TypeVar("T")

CONFIRMED_WITHIN = 120.0
"""Seconds. A node that is lost is given up by Swarm after about 20, and its gateway is not asked any more; after a minute, if it led the
others: they elect another leader, who gives it a grace period of his own."""
ONE = 30.0
"""Seconds for one gateway to answer."""
LOOK = 8.0
"""Seconds for one that is only asked: what others say counts without it."""
AGAIN = 0.5
LEADING = 15.0
"""Seconds in which whoever leads users to several gateways has noticed that one does not want any more."""


class SwarmTraffic:
    """Use it as an asynchronous context: it keeps a shell in each gateway open. `image` is what every node has, or can pull."""

    def __init__(
        self,
        managers: Managers,
        environment: Environment,
        courier: Courier,
        *,
        image: str,
        http_port: int = 80,
        tls: EdgeTls | None = None,
        seats: Callable[[], Awaitable[Fleet]] | None = None,
        lifetime: timedelta = LIFETIME,
    ) -> None:
        """`seats` tells where the tasks are now: the gateways find them by name. `lifetime` is that of the members' certificate."""
        self.environment = environment
        self._seats = seats
        self._managers = managers
        self._courier = courier
        self._tls = tls
        self.services = Gateways(managers, image=image, http=http_port, https=tls.port if tls else 0, lifetime=lifetime)
        self._gateways: dict[str, TaskGateway] = {}
        self._table: RoutingTable | None = None

    async def __aenter__(self) -> SwarmTraffic:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(gateway.close() for gateway in self._gateways.values()), return_exceptions=True)

    async def start(self) -> None:
        """A gateway on each node that users reach, which shows the certificates that there are now."""
        await self.services.start()
        if await self.services.due():
            await self.follow()
            await self.services.start()
            await self.followed()
        if self._tls:
            await self._change(lambda gateway: gateway.start())

    async def follow(self) -> None:
        """Another certificate is made for the members; the services are to be started with it. Gateways that were started with an
        earlier one than they have are replaced first: couriers let in who has the last one or the one before."""
        if not await self.services.has_latest(GATEWAY):
            await self.services.start(alone=True)
        members = self.services.members
        await members.follow(await members.latest(), await self._courier.seal())

    async def followed(self) -> None:
        """Returns when all gateways show the members' latest certificate, which they get from the couriers."""
        wanted = (await self.services.members.latest()).mark

        async def shows(gateway: TaskGateway) -> None:
            for _ in range(round(ONE / AGAIN)):
                if await gateway.member() == wanted:
                    return
                await asyncio.sleep(AGAIN)
            raise TimeoutError

        await self._all(shows)

    async def lead_away(self, node: str) -> None:
        """The gateway on a node, which is told by its id, is about to be stopped: returns when users have had time to go elsewhere.

        One that does not answer has none.
        """
        for task in await self.services.tasks() if await self.services.there() else ():
            if task.node_id == node and task.serves:
                with suppress(FairwayError, TimeoutError):
                    await self._on(task, lambda gateway: gateway.lead_away(), LOOK)
                    await asyncio.sleep(LEADING)

    async def observe(self) -> RoutingTable | None:
        if not await self.services.there():
            return None
        told = list((await self._asked(lambda gateway: gateway.observe())).values())
        table = next((one for one in told if one), None)
        if table is None:
            return None
        first = {routed.service: routed for routed in table.services}
        agreed = {
            name: all(other is not None and routed in other.services for other in told)
            for name, routed in first.items()
        }
        fleet = await self._seats() if self._seats else None
        self._table = replace(
            table,
            services=tuple(replace(_by_address(one, fleet), agreed=agreed[one.service]) for one in table.services),
        )
        return self._table

    async def apply(self, table: RoutingTable) -> None:
        """Every gateway that serves has confirmed it, and those that came meanwhile, too."""
        named = replace(table, services=tuple(self._by_name(routed) for routed in table.services))
        await self._change(lambda gateway: gateway.apply(named))
        self._table = table

    async def answer_challenges(self, answers: Mapping[str, str]) -> None:
        await self._change(lambda gateway: gateway.answer_challenges(answers))

    async def present(self, showing: Showing) -> None:
        await self._change(lambda gateway: gateway.present(showing))

    async def shown(self) -> Mapping[str, tuple[Seen, ...]]:
        told = await self._asked(lambda gateway: gateway.shown())
        return {name: one for found in told.values() for name, one in found.items()}

    async def probe(self, endpoint: Endpoint, path: str, *, host: str = "", timeout: float = 1.0) -> int | None:
        said = await self._courier.spawn(script.probe(endpoint, path, host, timeout), timeout=timeout + 5)
        return int(said) if said.isdigit() and int(said) else None

    async def in_flight(self, endpoints: Collection[Endpoint]) -> int:
        """Of a revision that goes on with fewer tasks it is Swarm that says which ones go: those have none to be waited for here,
        for they are taken out of the name, and get their grace period, before they are stopped."""
        table = self._table or await self.observe()
        staying = {
            (point.address, point.port)
            for routed in (table.services if table else ())
            for backend in routed.backends
            if backend.open
            for point in backend.endpoints
        }
        asked = [point for point in endpoints if (point.address, point.port) not in staying]
        return sum((await self._asked(lambda gateway: gateway.in_flight(asked))).values()) if asked else 0

    async def counts(self, revisions: Collection[Revision]) -> Mapping[str, Scrape]:
        told = await self._asked(lambda gateway: gateway.counts(revisions))
        names = {name for scrapes in told.values() for name in scrapes}
        return {name: sum((scrapes.get(name, Scrape()) for scrapes in told.values()), Scrape()) for name in names}

    def _by_name(self, routed: RoutedService) -> RoutedService:
        backends = (replace(one, name=swarm_names.found(self.environment, one.revision)) for one in routed.backends)
        return replace(routed, backends=tuple(backends))

    async def _change(self, call: Callable[[TaskGateway], Awaitable[None]]) -> None:
        """On every gateway; those that come later get it from these, which know more from then on."""
        serial = 1 + max((await self._asked(lambda gateway: gateway.known())).values(), default=0)

        async def change(gateway: TaskGateway) -> None:
            gateway.serial = serial
            await call(gateway)
            await gateway.remember()

        await self._all(change)

    async def _all(self, call: Callable[[TaskGateway], Awaitable[T]]) -> None:
        """On every gateway that serves, or is about to; those that Swarm gives up meanwhile are not asked any more. Raises what one
        says; GatewayError where one cannot be reached that Swarm takes for a running one."""
        deadline, done = time.monotonic() + CONFIRMED_WITHIN, set[str]()
        while True:
            tasks = await self.services.tasks()
            due = [task for task in tasks if (task.serves or task.starts) and task.id not in done]
            if not due and any(task.serves for task in tasks):
                return
            told = await asyncio.gather(*(self._on(task, call, ONE) for task in due), return_exceptions=True)
            unreached: dict[str, BaseException] = {}
            for task, result in zip(due, told, strict=True):
                if not isinstance(result, BaseException):
                    done.add(task.id)
                elif not _silent(result) and task.serves:
                    raise result
                else:
                    unreached[task.node] = result
            if time.monotonic() > deadline:
                if all(task.starts for task in due if task.id not in done) and done:
                    return
                raise _unconfirmed(unreached)
            if unreached or not due:
                await asyncio.sleep(AGAIN)

    async def _asked(self, call: Callable[[TaskGateway], Awaitable[T]]) -> dict[str, T]:
        """What those say that answer, by task. Raises what the last one failed with where none does."""
        tasks = [task for task in await self.services.tasks() if task.serves]
        told = await asyncio.gather(*(self._on(task, call, LOOK) for task in tasks), return_exceptions=True)
        for result in told:
            if isinstance(result, BaseException) and not _silent(result):
                raise result
        found = {
            task.id: result for task, result in zip(tasks, told, strict=True) if not isinstance(result, BaseException)
        }
        if tasks and not found:
            raise _unconfirmed({task.node: error for task, error in zip(tasks, told, strict=True)})  # type: ignore[misc]
        return found

    async def _on(self, task: Task, call: Callable[[TaskGateway], Awaitable[T]], patience: float) -> T:
        gateway = self._gateways.get(task.id)
        if gateway is None:
            seat = Seat(self._managers, self.environment, task, self._courier, await self.services.https())
            gateway = self._gateways[task.id] = TaskGateway(seat, self.environment, self._tls)
        try:
            async with asyncio.timeout(patience):
                return await call(gateway)
        except TimeoutError:
            await gateway.close()
            raise


def _silent(error: BaseException) -> bool:
    """Whether it says only that nobody was reached."""
    return isinstance(error, ShellEnded | EngineUnreachable | TimeoutError)


def _by_address(routed: RoutedService, fleet: Fleet | None) -> RoutedService:
    backends = (replace(one, name="") for one in routed.backends)
    return replace(routed, backends=tuple(_seated(routed.service, one, fleet) if fleet else one for one in backends))


def _seated(service: str, backend: Backend, fleet: Fleet) -> Backend:
    """With the endpoints that it has now: Swarm moves tasks while nobody deploys, and the gateways have followed them."""
    found = next(
        (r for r in fleet.revisions(service) if (r.name, r.digest) == (backend.revision, backend.digest)), None
    )
    alive = [replica for replica in fleet.of(found) if replica.address and replica.up] if found else []
    if not alive or not backend.endpoints:
        return backend
    first, leaving = backend.endpoints[0], {point.address for point in backend.endpoints if point.draining}
    points = (
        Endpoint(one.address, first.port, draining=one.address in leaving, host=one.host if first.host else "")
        for one in alive
    )
    return replace(backend, endpoints=tuple(points))


def _unconfirmed(unreached: Mapping[str, BaseException]) -> GatewayError:
    told = {
        node: (error.why or error.what) if isinstance(error, FairwayError) else f"no answer within {ONE:g} s"
        for node, error in unreached.items()
    }
    return GatewayError(
        "Not every gateway could be reached" if told else "No gateway runs",
        where=", ".join(sorted(told)),
        why="; ".join(f"{node}: {why}" for node, why in sorted(told.items())),
        hint="docker node ls; docker service ps fairway-gateway. A node that Swarm knows to be down is not asked.",
    )
