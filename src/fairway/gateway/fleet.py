"""The gateways of a fleet as one: fulfils ports.Traffic."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from types import TracebackType

from msgspec.structs import replace

from fairway.gateway.fleet_tables import Tables, merge, split, stages
from fairway.gateway.traffic import GatewayTraffic
from fairway.model.edge import Seen, Showing
from fairway.model.judgement import Scrape
from fairway.model.peers import Identity
from fairway.model.release import Revision
from fairway.model.routes import Endpoint, RoutingTable
from fairway.net.hosts import Hosts

Gateways = Callable[[str, Identity | None], GatewayTraffic]
"""The gateway of a host, that shows this identity to the others, or the one it has."""
Identities = Callable[[Mapping[str, str]], Awaitable[Mapping[str, Identity]]]
"""From the certificate (PEM) that each gateway shows now, or none, to the identities of those that need another one."""


class FleetTraffic:
    """`addresses`: where the gateway of each host is reached by the others; `edges`: the hosts that show certificates."""

    def __init__(
        self,
        hosts: Hosts,
        gateways: Gateways,
        addresses: Mapping[str, str],
        identities: Identities | None = None,
        edges: Collection[str] = (),
    ) -> None:
        self._hosts = hosts
        self._make = gateways
        self._gateways = {name: gateways(name, None) for name in hosts.ready}
        self._all = dict(addresses)
        self._identities = identities
        self._edges = tuple(edges)

    async def __aenter__(self) -> FleetTraffic:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ready = [self._gateways[name] for name in self._hosts.ready]  # a lost one would not answer
        await asyncio.gather(*(gateway.close() for gateway in ready), return_exceptions=True)

    @property
    def _addresses(self) -> dict[str, str]:
        return {name: self._all[name] for name in self._hosts.ready}

    async def start(self) -> None:
        """A gateway on each host, with a certificate that the others trust."""
        shown = await self._hosts.each(lambda name: self._gateways[name].certificate())
        due = await self._identities(shown) if self._identities else {}
        for name, identity in due.items():
            await self._gateways[name].close()
            self._gateways[name] = self._make(name, identity)
        await self._hosts.each(lambda name: self._gateways[name].start())

    async def identify(self, identities: Mapping[str, Identity]) -> tuple[str, ...]:
        """Each gateway shows its own to the others; where that is live."""
        told = await self._hosts.each(lambda name: self._gateways[name].identify(identities[name]), identities)
        return tuple(told)

    async def strangers(self) -> tuple[str, ...]:
        """Hosts that other environments have, and this one has not, and whose gateways speak with these."""
        told = await self._hosts.each(lambda name: self._gateways[name].peers())
        own = set(self._all.values())
        return tuple(sorted({peer.host for peers in told.values() for peer in peers if peer.address not in own}))

    async def observe(self) -> RoutingTable | None:
        return merge(await self._live(), self._addresses)

    async def _live(self) -> Tables:
        return await self._hosts.each(lambda name: self._gateways[name].observe())

    async def apply(self, table: RoutingTable) -> None:
        """Every gateway has confirmed each stage before the next one begins."""
        live = await self._live()
        for stage in stages(live, split(table, self._addresses)):
            await self._hosts.each(lambda name, tables=stage: self._gateways[name].apply(tables[name]), stage)  # type: ignore[misc]

    async def forget(self, name: str) -> None:
        """The gateway of one host knows nothing of the environment any more."""
        gateway = self._gateways[name]
        if live := await self._hosts.on(name, gateway.observe()):
            await self._hosts.on(name, gateway.apply(replace(live, services=())))

    async def answer_challenges(self, answers: Mapping[str, str]) -> None:
        """Fulfils ports.Edges, as the two that follow do."""
        await self._hosts.each(lambda name: self._gateways[name].answer_challenges(answers), self._edges)

    async def present(self, showing: Showing) -> None:
        await self._hosts.each(lambda name: self._gateways[name].present(showing), self._edges)

    async def shown(self) -> Mapping[str, tuple[Seen, ...]]:
        told = await self._hosts.each(lambda name: self._gateways[name].shown(), self._edges)
        return {name: one for found in told.values() for name, one in found.items()}

    async def probe(self, endpoint: Endpoint, path: str, *, host: str = "", timeout: float = 1.0) -> int | None:
        """By the gateway of the replica's own host; None where that is lost."""
        asked = await self._hosts.each(
            lambda name: self._gateways[name].probe(endpoint, path, host=host, timeout=timeout), [endpoint.host]
        )
        return asked.get(endpoint.host)

    async def in_flight(self, endpoints: Collection[Endpoint]) -> int:
        """Whoever asks them, the gateway of their own host does: it has the connections."""
        there: dict[str, list[Endpoint]] = {}
        for endpoint in endpoints:
            there.setdefault(endpoint.host, []).append(endpoint)
        return sum((await self._hosts.each(lambda name: self._gateways[name].in_flight(there[name]), there)).values())

    async def counts(self, revisions: Collection[Revision]) -> Mapping[str, Scrape]:
        """Each request is counted where it came in."""
        told = await self._hosts.each(lambda name: self._gateways[name].counts(revisions))
        names = {name for scrapes in told.values() for name in scrapes}
        return {name: sum((scrapes.get(name, Scrape()) for scrapes in told.values()), Scrape()) for name in names}
