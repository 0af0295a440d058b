from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from fairway.model.environment import Environment
from fairway.net.docker import connect
from fairway.net.managers import Managers
from tests.lab import Host
from tests.lab.swarm import Swarm


@pytest.fixture
def environment() -> Environment:
    return Environment(f"raft-{uuid.uuid4().hex[:6]}", "test")


@pytest.fixture
async def managers(swarm: Swarm) -> AsyncIterator[Managers]:
    """All three, the first one preferred."""
    async with AsyncExitStack() as stack:
        yield await reached(stack, *swarm.hosts)


async def reached(stack: AsyncExitStack, *hosts: Host) -> Managers:
    return Managers({host.name: await stack.enter_async_context(connect(host.url)) for host in hosts})
