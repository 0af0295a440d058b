from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from fairway.engines.docker.fleet.supply import Supply
from fairway.engines.swarm.console import SwarmConsole
from fairway.engines.swarm.engine import SwarmEngine
from fairway.model.app import Service
from fairway.model.build import ImageRef
from fairway.model.environment import Environment
from fairway.net.hosts import Address, Budget, opened
from fairway.net.managers import Managers
from tests.lab import Swarm
from tests.real.engine.conftest import SLEEP, World


@pytest.fixture
def world(swarm: Swarm) -> Iterator[World]:
    host = swarm.hosts[0]
    image = "debian:bookworm-slim"
    identity = host.docker("image", "inspect", image, "--format", "{{.Id}}").stdout.strip()
    yield World(host, ImageRef(reference=image, id=identity), Environment(f"t{uuid.uuid4().hex[:8]}", "test"))
    swarm.empty()


@pytest.fixture
async def engine(world: World, swarm: Swarm) -> AsyncIterator[SwarmEngine]:
    addresses = {f"m{number}": Address(host.url) for number, host in enumerate(swarm.hosts, 1)}
    async with opened(addresses, Budget(None)) as members:
        yield SwarmEngine(world.environment, Managers(members.engines), members, supply=Supply(members))


@pytest.fixture
def console(engine: SwarmEngine) -> SwarmConsole:
    return SwarmConsole(engine)


@pytest.fixture
def web() -> Service:
    return Service(name="web", command=SLEEP, init=True, stop_grace_period=3)
