"""Two hosts of one environment, each with its gateway: users ask the first, replicas may be on both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from msgspec.structs import replace

from fairway.gateway.traffic import GatewayTraffic
from fairway.model.environment import Environment
from fairway.model.peers import Identity, Peer
from fairway.model.policy import Ready
from fairway.model.routes import Endpoint, RoutingTable
from fairway.net.authority import Authority
from tests.load.http import Connection, Failed
from tests.load.options import Options
from tests.real.gateway.place import GATEWAY_PORT, Place
from tests.real.gateway.replicas import backend
from tests.real.gateway.users import send


@dataclass
class Side(Place):
    """One host, with the certificate that its gateway starts with."""

    identity: Identity | None = None
    endpoints: tuple[Endpoint, ...] = ()

    def gateway(self, environment: Environment, port: int = GATEWAY_PORT) -> GatewayTraffic:
        made = GatewayTraffic(self.docker, environment, http_port=port, where=self.host.name, identity=self.identity)
        self.others.append(made)
        return made

    def peer(self, replicas: int | None = None) -> Peer:
        """As the gateways of other hosts know it."""
        count = len(self.endpoints) if replicas is None else replicas
        return Peer(host=self.host.name, address=self.host.address, replicas=count)


@dataclass
class Sides:
    authority: Authority
    first: Side
    second: Side
    all: tuple[Side, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.all = (self.first, self.second)

    async def start(self, here: int, there: int) -> None:
        """So many replicas on each; they answer `here` and `there`."""
        self.first.endpoints = await self.first.start(*["here"] * here)
        self.second.endpoints = await self.second.start(*["there"] * there)

    def view(
        self, side: Side, *, ready: Ready | None = None, name: str = "web", counted: int | None = None
    ) -> RoutingTable:
        """The routing table of one side's gateway; `counted` is how many replicas the other side is said to have."""
        [other] = (one for one in self.all if one is not side)
        peer = other.peer(counted)
        one = replace(backend(f"{name}-r1", *side.endpoints), remote=(peer,) if peer.replicas else ())
        return replace(side.table(side.service(one, name=name, ready=ready)), host=side.host.name)

    async def apply(self, ready: Ready | None = None) -> None:
        """Those with replicas first, and then those who are to send them requests."""
        await self.second.traffic.apply(self.view(self.second, ready=ready))
        await self.first.traffic.apply(self.view(self.first, ready=ready))

    async def identify(self, authority: Authority, *trusting: Authority) -> None:
        """Both get new certificates of this authority; they trust the others too."""
        made = [authority.issue(side.host.name, trusting=trusting) for side in self.all]
        await asyncio.gather(*(side.traffic.identify(one) for side, one in zip(self.all, made, strict=True)))

    @asynccontextmanager
    async def user(self) -> AsyncIterator[Connection]:
        connection = await Connection.open(Options(**self.first.options()))
        try:
            yield connection
        finally:
            connection.close()

    async def ask(self, count: int, headers: str = "") -> dict[str, int]:
        """Answers by version, or by what went wrong, of so many requests at the first gateway."""
        found: dict[str, int] = {}
        left = iter(range(count))

        async def work() -> None:
            async with self.user() as connection:
                for _ in left:
                    try:
                        head = await send(connection, self.first.name, "GET", "/", headers)
                        said = head.version if head.status == 200 else str(head.status)
                    except Failed as failure:
                        said = failure.reason
                    found[said] = found.get(said, 0) + 1

        await asyncio.gather(*(work() for _ in range(min(count, 16))))
        return found
