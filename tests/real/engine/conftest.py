from __future__ import annotations

import base64
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from fairway.engines.docker.engine import DockerEngine
from fairway.model.app import App, Network, Service
from fairway.model.build import ImageRef
from fairway.model.environment import Environment
from fairway.model.files import FileObject, Volume
from fairway.model.release import Release, Revision
from fairway.net.client import Docker
from fairway.net.docker import connect
from tests.lab import Host

SLEEP = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done")


class World:
    """An environment of its own on a real host, and releases for it."""

    def __init__(self, host: Host, image: ImageRef, environment: Environment) -> None:
        self.host = host
        self.image = image
        self.environment = environment

    def release(
        self,
        *services: Service,
        number: int = 1,
        digest: str = "d1",
        networks: dict[str, Network] | None = None,
        volumes: dict[str, Volume] | None = None,
        configs: dict[str, bytes] | None = None,
        secrets: dict[str, str] | None = None,
    ) -> Release:
        app = App(
            name=self.environment.app,
            services={service.name: service for service in services},
            networks=networks if networks is not None else {"default": Network(key="default")},
            volumes=volumes or {},
            configs={key: FileObject(name=key, content="") for key in configs or {}},
            secrets={key: FileObject(name=key, file="x") for key in secrets or {}},
        )
        return Release(
            number=number,
            environment=self.environment,
            app=app,
            images={service.name: self.image for service in services},
            revisions={service.name: Revision(service.name, number, digest) for service in services},
            configs={key: base64.b64encode(value).decode() for key, value in (configs or {}).items()},
            secrets=secrets or {},
        )


def clean(host: Host, app: str) -> None:
    """Remove all that bears the app's label."""
    label = f"label=fairway.app={app}"
    for listing, remove in (
        (("ps", "-aq"), ("rm", "-fv")),
        (("network", "ls", "-q"), ("network", "rm")),
        (("volume", "ls", "-q"), ("volume", "rm")),
    ):
        found = host.docker(*listing, "--filter", label).stdout.split()
        if found:
            host.docker(*remove, *found, check=False)


@pytest.fixture
def world(docker_host: Host, base_image: str) -> Iterator[World]:
    app = f"t{uuid.uuid4().hex[:8]}"
    identity = docker_host.docker("image", "inspect", base_image, "--format", "{{.Id}}").stdout.strip()
    yield World(docker_host, ImageRef(reference=base_image, id=identity), Environment(app, "test"))
    clean(docker_host, app)


@pytest.fixture
async def docker(docker_host: Host) -> AsyncIterator[Docker]:
    async with connect(docker_host.url) as client:
        yield client


@pytest.fixture
def engine(world: World, docker: Docker) -> DockerEngine:
    return DockerEngine(world.environment, docker, "web-1")


@pytest.fixture
def web() -> Service:
    return Service(name="web", command=SLEEP)
