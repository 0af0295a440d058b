"""Services that find each other by their names on two hosts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from fairway.engines.docker.down import down
from fairway.engines.docker.holders import Holders
from fairway.model.app import App, Service
from fairway.model.policy import Route, ServicePolicy
from fairway.model.release import Release, Revision
from fairway.model.routes import Backend, Endpoint, RoutedService, RoutingTable
from fairway.net.hostimage import host_image
from tests.lab.host import DOCKER
from tests.lab.tools import TOOLS
from tests.real.gateway.replicas import backend
from tests.real.peers.sides import Side, Sides

SERVER = Path(__file__).with_name("server.py").read_text()
CLIENT = Path(__file__).with_name("client.py").read_text()
ROUTE = Route(hosts=(), port=6379, names=(80, 6379))
Placed = Mapping[str, tuple[int, Sequence[Endpoint], Sequence[Endpoint]]]
"""By revision: its weight, its replicas on the first host, and those on the second."""


@dataclass
class Town:
    sides: Sides
    release: Release = field(init=False)
    holders: tuple[Holders, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.release = self.released({"db": ROUTE, "cache": ROUTE})
        environment = self.sides.first.environment
        self.holders = tuple(Holders(side.docker, environment, side.host.name, host_image()) for side in self.sides.all)

    def released(self, routes: Mapping[str, Route]) -> Release:
        environment = self.sides.first.environment
        return Release(
            number=1,
            environment=environment,
            app=App(name=environment.app, services={name: Service(name=name) for name in routes}),
            images={},
            revisions={name: Revision(name, 1, "sha256:1") for name in routes},
            policies={name: ServicePolicy(route=route) for name, route in routes.items()},
        )

    async def prepare(self) -> None:
        """Holders, and a container on each host that asks: as they are, where they are there."""
        await asyncio.gather(*(holder.ensure(self.release) for holder in self.holders))
        await asyncio.gather(*(asyncio.to_thread(self._ask_from, side) for side in self.sides.all))

    def _ask_from(self, side: Side) -> None:
        if side.host.docker("inspect", self.client(side), check=False).returncode:
            network = f"{side.environment.key}_default"
            side.host.docker("run", "-d", "--name", self.client(side), "--network", network, TOOLS, "sleep", "600")

    async def forget(self) -> None:
        """Without replicas, and no gateway knows of any."""
        await self.apply()
        stopped = ((side, endpoint) for side in self.sides.all for endpoint in list(side.replicas.ids))
        await asyncio.gather(*(side.replicas.stop(endpoint) for side, endpoint in stopped))

    async def clear(self) -> None:
        for side in self.sides.all:
            await asyncio.to_thread(side.host.docker, "rm", "-f", self.client(side), check=False)
            await down(side.docker, side.environment, side.host.name, volumes=False)

    def client(self, side: Side) -> str:
        """The container that asks."""
        return f"{side.environment.app}-client"

    async def start(self, side: Side, *versions: str) -> tuple[Endpoint, ...]:
        """Replicas that answer."""
        return tuple(await asyncio.gather(*(self._start(side, version) for version in versions)))

    async def _start(self, side: Side, version: str) -> Endpoint:
        endpoint = await side.replicas.start(version, source=SERVER)
        for _ in range(200):
            if await side.traffic.probe(replace(endpoint, port=80), "/") == 200:
                return replace(endpoint, port=6379)
            await asyncio.sleep(0.02)
        raise AssertionError(f"{version} does not come up")

    def tables(self, **services: Placed) -> tuple[RoutingTable, RoutingTable]:
        """For the first host, and for the second."""
        made = []
        for side, other, position in (
            (self.sides.first, self.sides.second, 1),
            (self.sides.second, self.sides.first, 2),
        ):
            routed = []
            for service, placed in services.items():
                backends: list[Backend] = []
                for revision, found in placed.items():
                    own, theirs = found[position], found[3 - position]
                    count = sum(not endpoint.draining for endpoint in theirs)
                    remote = (other.peer(count),) if count else ()
                    backends.append(replace(backend(revision, *own, weight=found[0]), remote=remote))
                routed.append(RoutedService(service=service, route=ROUTE, backends=tuple(backends)))
            made.append(RoutingTable(environment=side.environment, services=tuple(routed), host=side.host.name))
        return made[0], made[1]

    async def apply(self, **services: Placed) -> None:
        """At both hosts at the same time."""
        both = zip(self.sides.all, self.tables(**services), strict=True)
        await asyncio.gather(*(side.traffic.apply(table) for side, table in both))

    async def ask(self, side: Side, *arguments: str) -> str:
        """What the client says."""
        done = await asyncio.to_thread(
            side.host.docker, "exec", "-i", self.client(side), "python3", "-c", CLIENT, *arguments
        )
        return done.stdout.strip()

    async def new(self, side: Side, name: str, count: int) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self.ask(side, "new", name, "6379", str(count)))
        return found

    @asynccontextmanager
    async def staying(self, side: Side, name: str) -> AsyncIterator[Report]:
        """One connection stays open meanwhile, and many come and go."""
        command = [DOCKER, "exec", "-i", self.client(side), "python3", "-c", CLIENT, "stay", name, "6379"]
        pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
        process = await asyncio.create_subprocess_exec(*command, env=side.host.environment, **pipes)
        assert process.stdout
        report = Report((await process.stdout.readline()).decode().strip())
        try:
            yield report
        finally:
            out, _ = await process.communicate(b"")
            report.said = json.loads(out)


@dataclass
class Report:
    """What a client that stayed has seen. `version` answered the connection that stayed open."""

    version: str
    said: dict[str, Any] = field(default_factory=dict)

    def nothing_failed(self) -> None:
        assert self.said["failed"] == []
        assert self.said["cut"] == ""
        assert self.said["said"] > 20
