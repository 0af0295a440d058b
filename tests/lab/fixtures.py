"""The lab as pytest fixtures. Sessions share one host, so that what one test built the next finds in its cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.lab.acme import AcmeServer
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.registry import Registry
from tests.lab.swarm import Swarm


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with Lab.open() as opened:
        yield opened


@pytest.fixture(scope="session")
def fleet(lab: Lab) -> Callable[[int], list[Host]]:
    """fleet(3): the session's first three hosts, with the base image. Shared: clean up, and leave them running."""
    hosts: list[Host] = []

    def first(count: int) -> list[Host]:
        while len(hosts) < count:
            host = lab.host()
            host.load_base_image()
            hosts.append(host)
        return hosts[:count]

    return first


@pytest.fixture(scope="session")
def docker_host(fleet: Callable[[int], list[Host]]) -> Host:
    """The session's host, with the base image. Shared: clean up, and leave it running."""
    return fleet(1)[0]


@pytest.fixture(scope="session")
def swarm(lab: Lab) -> Swarm:
    """Three managers, with the base image. Shared: empty it, and leave all of them running."""
    return lab.swarm()


@pytest.fixture(scope="session")
def base_image(docker_host: Host) -> str:
    """The name of an image that docker_host has: debian:bookworm-slim."""
    return docker_host.load_base_image()


@pytest.fixture(scope="session")
def tools_image(docker_host: Host, base_image: str) -> str:
    """The name of an image that docker_host has, with Python, aiohttp and curl."""
    return docker_host.load_tools()


@pytest.fixture
def make_host(lab: Lab) -> Iterator[Callable[[], Host]]:
    """make_host(): a fresh host without images, the test's own to break; gone after the test."""
    hosts: list[Host] = []

    def make() -> Host:
        hosts.append(lab.host())
        return hosts[-1]

    yield make
    for host in hosts:
        host.destroy()


@pytest.fixture(scope="session")
def registry(lab: Lab) -> Registry:
    """A registry on plain HTTP without a password; the hosts' engines accept it."""
    return lab.registry()


@pytest.fixture(scope="session")
def tls_registry(lab: Lab) -> Registry:
    """A registry with TLS and a password; the hosts' engines trust its authority."""
    return lab.registry(tls=True)


@pytest.fixture(scope="session")
def acme(lab: Lab) -> AcmeServer:
    """An ACME server that is down: whoever needs it starts it as it has to be, and stops it."""
    return lab.acme()
