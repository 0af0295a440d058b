"""On several hosts: what the one that a replica comes back to does not have, another one has kept."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from fairway.engines.docker.engine import DockerEngine
from fairway.engines.docker.fleet.elsewhere import Elsewhere
from fairway.model.app import Service
from fairway.model.build import ImageRef
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.model.files import FileMount
from fairway.net.hosts import Address, Budget, opened
from tests.lab.host import Host
from tests.real.engine.conftest import SLEEP, World, clean

pytestmark = pytest.mark.anyio


async def test_the_files_of_a_kept_release_come_from_the_host_that_has_them(fleet: Callable[[int], list[Host]]) -> None:
    machines = {f"h{number}": host for number, host in enumerate(fleet(2), 1)}
    environment = Environment(f"t{uuid.uuid4().hex[:8]}", "test")
    world = World(machines["h1"], ImageRef(reference="debian:bookworm-slim", id="debian:bookworm-slim"), environment)
    secrets = (FileMount(source="key", target="/run/secrets/key", mode=0o400),)
    release = world.release(Service(name="web", command=SLEEP, secrets=secrets), secrets={"key": "v1"})
    revision = release.revisions["web"]
    addresses = {name: Address(host.url) for name, host in machines.items()}
    try:
        async with opened(addresses, Budget(None)) as hosts:
            elsewhere = Elsewhere(hosts)
            engines = {
                name: DockerEngine(environment, docker, name, elsewhere=elsewhere.than(name))
                for name, docker in hosts.engines.items()
            }
            elsewhere.files |= {name: engine.files for name, engine in engines.items()}
            await engines["h1"].ensure(release, revision, 1, {"key": b"sesame\xff"})
            await engines["h1"].retire(revision, 0)
            await engines["h2"].ensure(release, revision, 1, {})
            (there,) = (await engines["h2"].observe()).replicas
            assert machines["h2"].docker("exec", there.name, "base64", "/run/secrets/key").stdout == "c2VzYW1l/w==\n"
            assert machines["h2"].docker("exec", there.name, "stat", "-c", "%a", "/run/secrets/key").stdout == "400\n"

            await engines["h2"].retire(revision, 0)
            for engine in engines.values():
                await engine.keep([])
            with pytest.raises(EngineError, match="cannot be had any more"):
                await engines["h1"].ensure(release, revision, 1, {})
    finally:
        for host in machines.values():
            clean(host, environment.app)
