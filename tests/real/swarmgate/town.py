"""An environment in a Swarm: its revisions as services, its gateways, and users at each of them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from fairway.gateway.edge import EdgeTls
from fairway.gateway.swarm.courier import Courier
from fairway.gateway.swarm.traffic import SwarmTraffic
from fairway.model.environment import Environment
from fairway.model.policy import Ready, Route
from fairway.model.release import Revision
from fairway.model.routes import Backend, Endpoint, RoutedService, RoutingTable
from fairway.net.managers import Managers
from fairway.render import swarm_names
from tests.lab.host import Host
from tests.lab.swarm import Swarm
from tests.lab.tools import TOOLS
from tests.load import Load
from tests.real.gateway.replicas import PORT, SOURCE, backend
from tests.real.raft.conftest import reached

GATEWAY_PORT = 8080


@dataclass
class Town:
    swarm: Swarm
    environment: Environment
    managers: Managers
    traffic: SwarmTraffic
    image: str

    @property
    def name(self) -> str:
        """The host that users ask for."""
        return f"{self.environment.app}.test"

    async def deployer(self, stack: AsyncExitStack, *hosts: Host) -> SwarmTraffic:
        """As another one has the gateways, through these managers."""
        return await self.through(stack, await reached(stack, *hosts))

    async def through(self, stack: AsyncExitStack, managers: Managers, tls: EdgeTls | None = None) -> SwarmTraffic:
        courier = await stack.enter_async_context(Courier(managers))
        traffic = SwarmTraffic(managers, self.environment, courier, image=self.image, http_port=GATEWAY_PORT, tls=tls)
        return await stack.enter_async_context(traffic)

    async def run(self, release: int, version: str, replicas: int = 2) -> Backend:
        """Revision `web-r{release}` with so many tasks, all of which answer."""
        name = swarm_names.service(self.environment, Revision("web", release, ""))
        network = await self.managers.get(f"networks/{swarm_names.GATEWAY_NETWORK}")
        container: dict[str, Any] = {
            "Image": TOOLS,
            "Command": ["python3", "-c", SOURCE, str(PORT), version],
            "StopGracePeriod": 3 * 10**9,
        }
        body: dict[str, Any] = {
            "Name": name,
            "TaskTemplate": {
                "ContainerSpec": container,
                "Networks": [{"Target": network["Id"]}],
                "RestartPolicy": {"Condition": "any", "Delay": 10**8},
            },
            "Mode": {"Replicated": {"Replicas": replicas}},
            "EndpointSpec": {"Mode": "dnsrr"},
        }
        await self.managers.post("services/create", body)
        return await self.backend(release, replicas)

    async def backend(self, release: int, replicas: int, *, weight: int = 100) -> Backend:
        """What answers of it, once so many tasks do."""
        for _ in range(600):
            points = await self.points(release)
            told = await asyncio.gather(*(self.traffic.probe(point, "/up") for point in points))
            if len(points) == replicas and set(told) <= {200}:
                return backend(f"web-r{release}", *points, weight=weight)
            await asyncio.sleep(0.1)
        raise TimeoutError(f"{release} does not get ready")

    async def points(self, release: int) -> list[Endpoint]:
        name = swarm_names.service(self.environment, Revision("web", release, ""))
        filters = {"service": [name], "desired-state": ["running"]}
        found = await self.managers.get("tasks", filters=filters)
        return [
            Endpoint(one["NetworksAttachments"][0]["Addresses"][0].partition("/")[0], PORT)
            for one in found
            if one["Status"]["State"] == "running" and one.get("NetworksAttachments")
        ]

    async def scale(self, release: int, replicas: int) -> None:
        name = swarm_names.service(self.environment, Revision("web", release, ""))
        found = await self.managers.get(f"services/{name}")
        found["Spec"]["Mode"]["Replicated"]["Replicas"] = replicas
        await self.managers.post(f"services/{name}/update", found["Spec"], version=found["Version"]["Index"])

    async def remove(self, release: int) -> None:
        await self.managers.delete(f"services/{swarm_names.service(self.environment, Revision('web', release, ''))}")

    def table(self, *backends: Backend, ready: Ready | None = None) -> RoutingTable:
        route = Route(hosts=(self.name,), port=PORT)
        web = RoutedService(service="web", route=route, backends=backends, ready=ready or Ready())
        return RoutingTable(environment=self.environment, services=(web,))

    def load(self, host: Host, **more: Any) -> Load:
        options = {"slow_path": "/slow?s=1", "pause": 0.05, "keep_alive": 6, "one_shot": 4, "slow": 2, **more}
        return Load(f"http://{host.address}:{GATEWAY_PORT}", host=self.name, **options)
