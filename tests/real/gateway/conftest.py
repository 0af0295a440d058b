from __future__ import annotations

import itertools
import uuid
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from fairway.gateway.container import NAME
from fairway.model.environment import Environment
from fairway.net.client import Docker
from fairway.net.docker import connect
from tests.lab.host import Host
from tests.real.gateway.place import Place
from tests.real.gateway.replicas import Replicas

_subnets = itertools.count(1)


@pytest.fixture
async def docker(docker_host: Host) -> AsyncIterator[Docker]:
    async with connect(docker_host.url) as client:
        yield client


@pytest.fixture
async def place(docker_host: Host, docker: Docker, tools_image: str) -> AsyncIterator[Place]:
    """An environment of its own, whose gateway runs and has no routes of it yet."""
    app = f"gw-{uuid.uuid4().hex[:6]}"
    replicas = Replicas(docker, app, f"172.30.{next(_subnets)}")
    await replicas.prepare()
    made = Place(docker_host, docker, Environment(app, "test"), replicas)
    await made.traffic.start()
    yield made
    await made.clear()


@pytest.fixture
def no_gateway(docker_host: Host) -> Callable[[], None]:
    """Removes the gateway, not its volume: what it was told is there when it is started again."""

    def remove() -> None:
        docker_host.docker("rm", "-f", NAME, check=False)

    return remove


@pytest.fixture
def taken_port(docker_host: Host, tools_image: str) -> Iterator[int]:
    """A port of the host that something else listens on."""
    name = f"taken-{uuid.uuid4().hex[:6]}"
    listen = "import socket, time; s = socket.create_server(('', 8099)); print('listens', flush=True); time.sleep(600)"
    docker_host.docker("run", "-d", "--name", name, "--network", "host", tools_image, "python3", "-c", listen)
    while "listens" not in docker_host.docker("logs", name).stdout:
        pass
    yield 8099
    docker_host.docker("rm", "-f", name)
