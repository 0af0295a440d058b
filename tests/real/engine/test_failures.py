"""What goes wrong while replicas are made: said well, and nothing left behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fairway.engines.docker.engine import DockerEngine
from fairway.model.app import Attachment, Device, Network, Port, Service
from fairway.model.build import ImageRef
from fairway.model.deploy import Deploy, Resources
from fairway.model.errors import EngineError, ImageNotFound
from fairway.model.files import Mount, Volume
from fairway.net.client import Docker
from tests.lab import Host, Registry
from tests.real.engine.conftest import SLEEP, World

pytestmark = pytest.mark.anyio


async def failure(engine: DockerEngine, world: World, service: Service, **more: object) -> EngineError:
    """Why two replicas of the service cannot be; asserts that none is left."""
    release = world.release(service, **more)  # type: ignore[arg-type]
    with pytest.raises(EngineError) as caught:
        await engine.ensure(release, release.revisions[service.name], 2, {})
    assert (await engine.observe()).replicas == ()
    return caught.value


async def test_a_port_that_is_taken(world: World, engine: DockerEngine) -> None:
    label = f"fairway.app={world.environment.app}"
    world.host.docker("run", "-d", "--label", label, "-p", "18081:80", world.image.reference, "sleep", "60")

    error = await failure(engine, world, Service(name="web", command=SLEEP, ports=(Port(target=80, published=18081),)))

    assert "could not be started" in error.what
    assert "port is already allocated" in error.why
    assert "publish another" in error.hint
    assert error.where == "web-1"


async def test_one_of_two_that_cannot_start_takes_the_other_with_it(world: World, engine: DockerEngine) -> None:
    error = await failure(engine, world, Service(name="web", command=SLEEP, ports=(Port(target=80, published=18082),)))
    assert "port is already allocated" in error.why


async def test_an_external_volume_that_is_missing(world: World, engine: DockerEngine) -> None:
    name = f"{world.environment.app}-nowhere"
    service = Service(name="web", command=SLEEP, volumes=(Mount(type="volume", source="data", target="/data"),))

    error = await failure(engine, world, service, volumes={"data": Volume(key="data", name=name, external=True)})

    assert error.what == f"There is no volume {name}"
    assert error.hint == f"docker volume create {name}"
    assert world.host.docker("volume", "ls", "-q", "--filter", f"name={name}").stdout == ""


async def test_an_external_network_that_is_missing(world: World, engine: DockerEngine) -> None:
    service = Service(name="web", command=SLEEP, networks={"shared": Attachment()})
    networks = {"shared": Network(key="shared", name="nowhere", external=True)}

    error = await failure(engine, world, service, networks=networks)

    assert (error.what, error.hint) == ("There is no network nowhere", "docker network create nowhere")


async def test_a_network_that_is_not_ours(world: World, engine: DockerEngine) -> None:
    name = f"{world.environment.key}_default"
    world.host.docker("network", "create", name)
    try:
        error = await failure(engine, world, Service(name="web", command=SLEEP))
    finally:
        world.host.docker("network", "rm", name)
    assert "external: true" in error.hint


async def test_a_volume_with_other_options(world: World, engine: DockerEngine) -> None:
    mount = Mount(type="volume", source="data", target="/data")
    service = Service(name="web", command=SLEEP, volumes=(mount,))
    release = world.release(service, volumes={"data": Volume(key="data")})
    await engine.ensure(release, release.revisions["web"], 1, {})
    await engine.retire(release.revisions["web"], 0)
    options = {"type": "tmpfs", "device": "tmpfs"}

    error = await failure(engine, world, service, volumes={"data": Volume(key="data", driver_opts=options)})

    assert "other options" in error.what


@pytest.mark.parametrize(
    ("service", "why", "hint"),
    [
        (Service(name="a", command=("/no/such",)), "no such file", "command"),
        (Service(name="b", command=SLEEP, user="nobody-at-all"), "unable to find user", "user"),
        (Service(name="c", command=SLEEP, devices=(Device(source="/dev/none", target="/dev/x"),)), "/dev/none", "device"),
        (Service(name="d", command=SLEEP, runtime="runsc"), "untime", "runtime"),
        (Service(name="e", command=SLEEP, gpus=({"count": "all"},)), "device driver", "NVIDIA"),
        (Service(name="f", command=SLEEP, deploy=Deploy(limits=Resources(memory=4096))), "inimum memory", "memory"),
        (
            Service(name="g", command=SLEEP, volumes=(
                Mount(type="bind", source="/nowhere/at/all", target="/x", create_host_path=False),
            )),
            "source path does not exist",
            "make the directory",
        ),
    ],
)  # fmt: skip
async def test_what_docker_refuses(world: World, engine: DockerEngine, service: Service, why: str, hint: str) -> None:
    error = await failure(engine, world, service)
    assert why in error.why
    assert hint in error.hint


async def test_an_image_that_is_gone(world: World, engine: DockerEngine) -> None:
    world.image = ImageRef(reference="gone:1", id="sha256:" + "0" * 64)
    error = await failure(engine, world, Service(name="web", command=SLEEP))
    assert "No such image" in error.why
    assert "deploy again" in error.hint


async def test_a_missing_host_path_is_made_where_compose_makes_it(world: World, engine: DockerEngine) -> None:
    path = f"/tmp/{world.environment.app}/made"
    service = Service(name="web", command=SLEEP, volumes=(Mount(type="bind", source=path, target="/x"),))
    release = world.release(service)
    await engine.ensure(release, release.revisions["web"], 1, {})
    (replica,) = (await engine.observe()).replicas
    assert world.host.docker("exec", replica.name, "ls", "-d", "/x").stdout == "/x\n"


async def test_cancelled_half_way_nothing_is_left(world: World, engine: DockerEngine, web: Service) -> None:
    release = world.release(web)
    for moment in (0.02, 0.1, 0.3):
        job = asyncio.create_task(engine.ensure(release, release.revisions["web"], 4, {}))
        await asyncio.sleep(moment)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        assert (await engine.observe()).replicas == ()


async def test_an_image_of_the_host_is_pinned_by_its_id(world: World, engine: DockerEngine) -> None:
    pinned = await engine.pin({"web": world.image.reference, "db": world.image.reference})
    assert pinned["web"] == pinned["db"]
    assert (pinned["web"].reference, pinned["web"].id) == (world.image.reference, world.image.id)
    assert pinned["web"].pinned == world.image.id


async def test_an_image_that_nobody_has(engine: DockerEngine, registry: Registry) -> None:
    with pytest.raises(ImageNotFound) as caught:
        await engine.pin({"web": f"{registry.address}/no/such:1"})
    assert "manifest unknown" in caught.value.why or "not found" in caught.value.why
    assert "check the name" in caught.value.hint


async def test_an_image_is_pulled_by_tag_and_pinned_by_digest(
    world: World, engine: DockerEngine, docker: Docker, registry: Registry, docker_host: Host, tmp_path: Path
) -> None:
    reference = f"{registry.address}/{world.environment.app}/base:1"
    (tmp_path / "Dockerfile").write_text(f"FROM {world.image.reference}\nLABEL fairway.app={world.environment.app}\n")
    docker_host.docker("build", "-q", "-t", reference, str(tmp_path))
    docker_host.docker("push", "-q", reference)
    docker_host.docker("rmi", reference)

    pinned = (await engine.pin({"web": reference}))["web"]

    assert pinned.pinned == f"{reference.removesuffix(':1')}@{pinned.digest}"
    assert (await docker.get(f"images/{pinned.pinned}/json"))["Id"] == pinned.id
    assert await engine.pin({"web": pinned.pinned}, pull=["web"])
    docker_host.docker("rmi", "-f", pinned.id)
