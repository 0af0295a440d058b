"""Replicas for the gateway's tests: containers with fixed addresses on a network of their own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairway.model.environment import Environment
from fairway.model.policy import Ready, Route
from fairway.model.routes import Backend, Endpoint, RoutedService, RoutingTable
from fairway.net.client import Docker
from fairway.ports import Traffic
from tests.lab.tools import TOOLS

PORT = 8000
HOST = "gate.test"
SOURCE = Path(__file__).with_name("upstream.py").read_text()


@dataclass
class Replicas:
    """`start` runs one; every one is gone after `clear`."""

    docker: Docker
    name: str
    subnet: str
    ids: dict[Endpoint, str] = field(default_factory=dict)
    count: int = 1
    network: Any = None

    async def prepare(self) -> None:
        pool = {"Config": [{"Subnet": f"{self.subnet}.0/24"}]}
        await self.docker.post("networks/create", {"Name": self.name, "IPAM": pool})

    async def start(self, version: str, *arguments: str, source: str = SOURCE) -> Endpoint:
        self.count += 1
        endpoint = Endpoint(f"{self.subnet}.{self.count}", PORT)
        started = [version] if source is not SOURCE else [str(PORT), version, *arguments]
        created = await self.docker.post(
            "containers/create",
            {
                "Image": TOOLS,
                "Cmd": ["python3", "-c", source, *started],
                "HostConfig": {"NetworkMode": self.name, "Init": False},
                "NetworkingConfig": {"EndpointsConfig": {self.name: {"IPAMConfig": {"IPv4Address": endpoint.address}}}},
            },
            name=f"{self.name}-{self.count}",
        )
        self.ids[endpoint] = created["Id"]
        await self.docker.post(f"containers/{created['Id']}/start")
        return endpoint

    async def ready(self, gateway: Traffic, count: int, version: str, *arguments: str) -> list[Endpoint]:
        """So many replicas that answer the gateway."""
        started = await asyncio.gather(*(self.start(version, *arguments) for _ in range(count)))
        for endpoint in started:
            for _ in range(200):
                if await gateway.probe(endpoint, "/up") == 200:
                    break
                await asyncio.sleep(0.05)
            else:
                raise TimeoutError(f"{endpoint} does not answer")
        return list(started)

    async def stop(self, endpoint: Endpoint) -> None:
        """At once, as SIGKILL does."""
        await self.docker.delete(f"containers/{self.ids.pop(endpoint)}", force=True)

    async def clear(self) -> None:
        await asyncio.gather(*(self.stop(endpoint) for endpoint in list(self.ids)))
        await self.docker.delete(f"networks/{self.name}")


def table(
    environment: Environment,
    *backends: Backend,
    hosts: tuple[str, ...] = (HOST,),
    path: str = "/",
    ready: Ready | None = None,
    retries: int = 2,
) -> RoutingTable:
    """One service `web`, with these backends."""
    service = RoutedService(
        service="web",
        route=Route(hosts=hosts, port=PORT, path=path, retries=retries),
        backends=backends,
        ready=ready or Ready(),
    )
    return RoutingTable(environment=environment, services=(service,))


def backend(revision: str, *endpoints: Endpoint, weight: int = 100) -> Backend:
    return Backend(
        revision=revision, digest=f"sha256:{revision.encode().hex():0<64}", endpoints=endpoints, weight=weight
    )
