"""One environment on a host with a gateway: its replicas, its tables, and who asks it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

from fairway.gateway.traffic import GatewayTraffic
from fairway.model.environment import Environment
from fairway.model.policy import Ready, Route
from fairway.model.routes import Backend, Endpoint, RoutedService, RoutingTable, Steering
from fairway.net.client import Docker
from tests.lab.host import Host
from tests.load.http import Connection, Failed
from tests.load.load import Load
from tests.load.options import Options
from tests.real.gateway.replicas import PORT, Replicas, backend

GATEWAY_PORT = 8080


@dataclass
class Place:
    host: Host
    docker: Docker
    environment: Environment
    replicas: Replicas
    others: list[GatewayTraffic] = field(default_factory=list)
    traffic: GatewayTraffic = field(init=False)

    def __post_init__(self) -> None:
        self.traffic = self.gateway(self.environment)

    def gateway(self, environment: Environment, port: int = GATEWAY_PORT) -> GatewayTraffic:
        """As another deployer has it."""
        made = GatewayTraffic(self.docker, environment, http_port=port, where=self.host.name)
        self.others.append(made)
        return made

    @property
    def name(self) -> str:
        """The host that users ask for."""
        return f"{self.environment.app}.test"

    def service(
        self,
        *backends: Backend,
        name: str = "web",
        ready: Ready | None = None,
        path: str = "/",
        steering: Steering | None = None,
    ) -> RoutedService:
        """Users reach `web` at the place's name, and any other service under its own before it."""
        host = self.name if name == "web" else f"{name}.{self.name}"
        route = Route(hosts=(host,), port=PORT, path=path)
        return RoutedService(service=name, route=route, backends=backends, ready=ready or Ready(), steering=steering)

    def table(self, *services: RoutedService) -> RoutingTable:
        return RoutingTable(environment=self.environment, services=services)

    async def steer(
        self, old: Endpoint, new: Endpoint, share: int = 0, steering: Steering | None = None, *, of: int = 100
    ) -> None:
        """`web-r1` on `old`, and `web-r2` on `new` with `share` of `of`, live."""
        both = (backend("web-r1", old, weight=of - share), backend("web-r2", new, weight=share))
        await self.traffic.apply(self.table(self.service(*both, steering=steering)))

    def options(self, service: str = "web", **more: Any) -> dict[str, Any]:
        host = self.name if service == "web" else f"{service}.{self.name}"
        return {"url": f"http://{self.host.address}:{GATEWAY_PORT}", "host": host, "slow_path": "/slow?s=1", **more}

    def load(self, service: str = "web", **more: Any) -> Load:
        return Load(**self.options(service, **more))

    async def get(self, path: str = "/", service: str = "web") -> tuple[int, str]:
        """The status and the body of one request; Failed where there is no complete answer."""
        connection = await Connection.open(Options(**self.options(service)))
        try:
            head = await connection.ask(path, "Connection: close\r\n")
            return head.status, (await connection.body(head)).decode()
        finally:
            connection.close()

    async def until_it_answers(self, version: str) -> None:
        for _ in range(200):
            with contextlib.suppress(Failed):
                if await self.get() == (200, version):
                    return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{version} does not answer")

    async def start(self, *versions: str) -> tuple[Endpoint, ...]:
        """A replica for each, started side by side, that answer."""
        found = await asyncio.gather(*(self.replicas.start(version) for version in versions))
        for endpoint in found:
            await self.until_up(endpoint)
        return tuple(found)

    async def until_up(self, endpoint: Endpoint) -> None:
        for _ in range(200):
            if await self.traffic.probe(endpoint, "/up") == 200:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{endpoint} does not come up")

    async def clear(self) -> None:
        """Nothing is left of it on the host but the gateway."""
        with contextlib.suppress(Exception):
            await self.traffic.apply(RoutingTable(environment=self.environment))
        await asyncio.gather(*(traffic.close() for traffic in self.others))
        await self.replicas.clear()
