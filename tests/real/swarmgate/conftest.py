from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from fairway.gateway.swarm.courier import Courier
from fairway.gateway.swarm.traffic import SwarmTraffic
from fairway.model.environment import Environment
from fairway.net.docker import connect
from fairway.net.hostimage import ensure_host_image
from tests.lab.swarm import Swarm
from tests.real.raft.conftest import reached
from tests.real.swarmgate.town import GATEWAY_PORT, Town


@pytest.fixture(scope="session")
async def gateway_image(swarm: Swarm) -> str:
    """Every node has it."""
    first, *others = swarm.hosts
    async with connect(first.url) as docker:
        name = await ensure_host_image(docker)
    kept = first.directory / "image.tar"
    first.docker("save", "--output", str(kept), name)
    for host in others:
        host.docker("load", "--quiet", "--input", str(kept))
    kept.unlink()
    for host in swarm.hosts:
        host.load_tools()
    return name


@pytest.fixture
async def town(swarm: Swarm, gateway_image: str) -> AsyncIterator[Town]:
    environment = Environment(f"town-{uuid.uuid4().hex[:6]}", "test")
    async with AsyncExitStack() as stack:
        managers = await reached(stack, *swarm.hosts)
        courier = await stack.enter_async_context(Courier(managers))
        traffic = SwarmTraffic(managers, environment, courier, image=gateway_image, http_port=GATEWAY_PORT)
        await stack.enter_async_context(traffic)
        await traffic.start()
        yield Town(swarm, environment, managers, traffic, gateway_image)
    swarm.empty()
