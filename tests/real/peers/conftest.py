from __future__ import annotations

import itertools
import subprocess
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from fairway.gateway.container import NAME, ROLE
from fairway.model.environment import Environment
from fairway.net.authority import Authority
from fairway.net.client import Docker
from fairway.net.docker import connect
from fairway.net.hostimage import ensure_host_image
from fairway.render.names import NAMES
from tests.lab.host import DOCKER, Host
from tests.real.gateway.replicas import Replicas
from tests.real.peers.sides import Side, Sides

_subnets = itertools.count(1)
AUTHORITY = Authority.create()


def copy_image(image: str, old: Host, new: Host) -> None:
    """From host to host: the second one need not make it."""
    if new.docker("image", "inspect", image, check=False).returncode:
        with subprocess.Popen([DOCKER, "save", image], env=old.environment, stdout=subprocess.PIPE) as saving:
            subprocess.run([DOCKER, "load", "--quiet"], env=new.environment, stdin=saving.stdout, check=True)


@pytest.fixture(scope="session")
def two_hosts(fleet: Callable[[int], list[Host]]) -> Iterator[list[Host]]:
    """Their gateways stay from test to test; those of other tests may have been replaced by them."""
    hosts = fleet(2)
    yield hosts
    for host in hosts:
        host.docker("rm", "-f", *host.docker("ps", "-aq", "--filter", f"label={ROLE}").stdout.split(), check=False)
        host.docker("volume", "rm", NAME, NAMES, check=False)


@pytest.fixture
async def sides(two_hosts: list[Host]) -> AsyncIterator[Sides]:
    async with opened(two_hosts) as made:
        yield made


@asynccontextmanager
async def opened(two_hosts: list[Host]) -> AsyncIterator[Sides]:
    """Two hosts, each with a gateway that has a certificate of the same authority, and no routes yet."""
    environment = Environment(f"peers-{uuid.uuid4().hex[:6]}", "test")
    async with connect(two_hosts[0].url) as one, connect(two_hosts[1].url) as two:
        copy_image(await ensure_host_image(one), *two_hosts)
        pairs = zip(two_hosts, (one, two), strict=True)
        made = [await side(host, docker, environment) for host, docker in pairs]
        yield Sides(AUTHORITY, *made)
        for each in made:
            await each.clear()


async def side(host: Host, docker: Docker, environment: Environment) -> Side:
    host.load_tools()
    replicas = Replicas(docker, environment.app, f"172.30.{next(_subnets)}")
    await replicas.prepare()
    made = Side(host, docker, environment, replicas, identity=AUTHORITY.issue(host.name))
    await made.traffic.start()
    return made
