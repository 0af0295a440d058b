"""Configs and secrets: in the container as files, and nowhere else."""

from __future__ import annotations

import json
import subprocess

import pytest
from msgspec.structs import replace

from fairway.engines.docker.engine import DockerEngine
from fairway.model.app import Service
from fairway.model.errors import EngineError
from fairway.model.files import FileMount, Mount
from fairway.model.policy import ServicePolicy
from fairway.net.client import Docker
from tests.real.engine.conftest import SLEEP, World

pytestmark = pytest.mark.anyio

PLANTED = b"pl4nted-s3cret-\xff\x00\n"


def stat(world: World, container: str, *paths: str) -> list[str]:
    return world.host.docker("exec", container, "stat", "-c", "%a %u %g", *paths).stdout.splitlines()


def volumes(world: World) -> list[str]:
    label = f"label=fairway.app={world.environment.app}"
    return world.host.docker("volume", "ls", "-q", "--filter", label).stdout.split()


def on_disk(world: World) -> str:
    places = [world.host.directory / "data" / part for part in ("volumes", "containers", "overlay2")]
    return subprocess.run(["grep", "-rlF", "pl4nted-s3cret", *places], capture_output=True, text=True).stdout


@pytest.mark.parametrize("read_only", [False, True])
async def test_files_have_their_contents_modes_and_owners(world: World, engine: DockerEngine, read_only: bool) -> None:
    service = Service(
        name="web",
        command=SLEEP,
        read_only=read_only,
        volumes=(Mount(type="tmpfs", target="/run"),) if read_only else (),
        configs=(FileMount(source="conf", target="/etc/app/app.conf"),),
        secrets=(
            FileMount(source="key", target="/run/secrets/key"),
            FileMount(source="key", target="/etc/private.key", uid="33", gid="42", mode=0o400),
        ),
    )
    release = world.release(service, configs={"conf": "größe = 1\n".encode()}, secrets={"key": "v1"})
    await engine.ensure(release, release.revisions["web"], 2, {"key": PLANTED})
    (replica, _) = (await engine.observe()).replicas

    paths = ("/etc/app/app.conf", "/run/secrets/key", "/etc/private.key")
    assert stat(world, replica.name, *paths) == ["444 0 0", "444 0 0", "400 33 42"]
    assert world.host.docker("exec", replica.name, "cat", "/etc/app/app.conf").stdout == "größe = 1\n"
    encoded = world.host.docker("exec", replica.name, "base64", "/etc/private.key").stdout.strip()
    assert encoded == "cGw0bnRlZC1zM2NyZXQt/wAK"
    written = world.host.docker("exec", replica.name, "sh", "-c", "echo x > /run/secrets/key", check=False)
    assert "Read-only file system" in written.stderr


async def test_a_secret_is_nowhere_to_be_inspected(world: World, engine: DockerEngine) -> None:
    service = Service(name="web", command=SLEEP, secrets=(FileMount(source="key", target="/run/secrets/key"),))
    release = world.release(service, secrets={"key": "v1"})
    await engine.ensure(release, release.revisions["web"], 1, {"key": PLANTED})
    (replica,) = (await engine.observe()).replicas

    shown = world.host.docker("inspect", replica.id, *volumes(world)).stdout

    assert len(json.loads(shown)) == 2
    assert "pl4nted" not in shown


async def test_files_outlive_a_prune_and_a_restart_and_configs_go_with_the_last_replica(
    world: World, engine: DockerEngine
) -> None:
    service = Service(name="web", command=SLEEP, configs=(FileMount(source="conf", target="/conf"),))
    release = world.release(service, configs={"conf": b"planted"})
    revision = release.revisions["web"]
    await engine.ensure(release, revision, 2, {})
    label = f"label=fairway.app={world.environment.app}"
    world.host.docker("volume", "prune", "-f", "--filter", label)

    world.host.docker("restart", f"{world.environment.key}-web-r1-1")
    await engine.retire(revision, 1)
    assert len(volumes(world)) == 1
    await engine.retire(revision, 0)
    assert volumes(world) == []


async def test_secrets_stay_as_long_as_their_release_is_kept_and_nobody_has_to_know_them(
    world: World, engine: DockerEngine
) -> None:
    service = Service(
        name="web",
        command=SLEEP,
        configs=(FileMount(source="conf", target="/conf"),),
        secrets=(FileMount(source="key", target="/run/secrets/key", mode=0o400),),
    )
    first = world.release(service, configs={"conf": b"c"}, secrets={"key": "v1"})
    second = world.release(service, number=2, digest="d2", configs={"conf": b"c"}, secrets={"key": "v2"})
    old, new = first.revisions["web"], second.revisions["web"]
    await engine.ensure(first, old, 1, {"key": PLANTED})
    await engine.retire(old, 0)
    await engine.ensure(second, new, 1, {"key": b"new"})
    await engine.keep([first, second])
    assert len(volumes(world)) == 2

    await engine.ensure(first, old, 1, {})  # nobody has the value any more
    (back,) = (await engine.observe()).of(old)
    encoded = world.host.docker("exec", back.name, "base64", "/run/secrets/key").stdout.strip()
    assert encoded == "cGw0bnRlZC1zM2NyZXQt/wAK"
    assert stat(world, back.name, "/run/secrets/key") == ["400 0 0"]

    await engine.keep([second])  # what is in use stays, whoever needs it
    assert len(volumes(world)) == 2
    await engine.retire(old, 0)
    await engine.keep([second])
    assert len(volumes(world)) == 1
    with pytest.raises(EngineError, match="The value of the secret key of that release cannot be had"):
        await engine.ensure(first, old, 1, {})
    assert len(volumes(world)) == 1, "nothing is left of the attempt"


async def test_secrets_in_memory_outlive_a_restart_but_not_the_host_and_never_are_on_its_disk(
    world: World, docker: Docker
) -> None:
    engine = DockerEngine(world.environment, docker, "web-1", image=world.image.reference)
    service = Service(
        name="web",
        command=SLEEP,
        user="33",
        secrets=(FileMount(source="key", target="/run/secrets/key", mode=0o400, uid="33", gid="0"),),
    )
    release = replace(world.release(service, secrets={"key": "v1"}), policies={"web": ServicePolicy(storage="memory")})
    revision = release.revisions["web"]
    await engine.ensure(release, revision, 2, {"key": PLANTED})

    def has() -> str:
        return world.host.docker("exec", name, "base64", "/run/secrets/key").stdout.strip()

    name = f"{world.environment.key}-web-r1-1"
    assert has() == "cGw0bnRlZC1zM2NyZXQt/wAK"
    assert not on_disk(world)
    both = [f"{world.environment.key}-web-r1-{index}" for index in (1, 2)]
    world.host.docker("restart", "-t", "1", *both)
    assert has() == "cGw0bnRlZC1zM2NyZXQt/wAK"

    (holder,) = world.host.docker("ps", "-q", "--filter", "label=fairway.kind=memory").stdout.split()
    world.host.docker("kill", *both, holder)  # as a host that goes down does
    with pytest.raises(EngineError, match="cannot be had"):
        await engine.ensure(release, revision, 2, {})
    await engine.ensure(release, revision, 2, {"key": PLANTED})
    assert has() == "cGw0bnRlZC1zM2NyZXQt/wAK"
    assert len(volumes(world)) == 1

    await engine.retire(revision, 1)
    assert has() == "cGw0bnRlZC1zM2NyZXQt/wAK"
    await engine.retire(revision, 0)
    assert volumes(world) == []
    assert not world.host.docker("ps", "-aq", "--filter", "label=fairway.kind=memory").stdout


async def test_what_a_killed_deployer_has_half_written_is_not_taken_for_a_kept_secret(
    world: World, engine: DockerEngine
) -> None:
    service = Service(name="web", command=SLEEP, secrets=(FileMount(source="key", target="/run/secrets/key"),))
    release = world.release(service, secrets={"key": "v1"})
    revision = release.revisions["web"]
    await engine.ensure(release, revision, 1, {"key": b"whole"})
    (volume,) = volumes(world)
    await engine.retire(revision, 0)
    write = "printf who >/files/0"
    world.host.docker("run", "--rm", "-v", f"{volume}:/files", world.image.reference, "sh", "-c", write)

    with pytest.raises(EngineError, match="cannot be had"):
        await engine.ensure(release, revision, 1, {})
    await engine.ensure(release, revision, 1, {"key": b"whole"})
    assert world.host.docker("exec", f"{world.environment.key}-web-r1-1", "cat", "/run/secrets/key").stdout == "whole"


async def test_another_version_of_a_secret_is_another_volume(world: World, engine: DockerEngine) -> None:
    service = Service(name="web", command=SLEEP, secrets=(FileMount(source="key", target="/run/secrets/key"),))
    for number, value in enumerate((b"one", b"two"), start=1):
        release = world.release(service, number=number, digest=f"d{number}", secrets={"key": f"v{number}"})
        await engine.ensure(release, release.revisions["web"], 1, {"key": value})

    said = [
        world.host.docker("exec", replica.name, "cat", "/run/secrets/key").stdout
        for replica in (await engine.observe()).replicas
    ]

    assert said == ["one", "two"]
    assert len(volumes(world)) == 2


async def test_a_volume_that_a_killed_deployer_left_empty_is_filled(world: World, engine: DockerEngine) -> None:
    service = Service(name="web", command=SLEEP, secrets=(FileMount(source="key", target="/run/secrets/key"),))
    release = world.release(service, secrets={"key": "v1"})
    revision = release.revisions["web"]
    await engine.ensure(release, revision, 1, {"key": b"value"})
    (name,) = volumes(world)
    world.host.docker("rm", "-f", f"{world.environment.key}-web-r1-1")
    world.host.docker("volume", "rm", name)
    labels = [f"--label=fairway.{key}={value}" for key, value in left_behind(world).items()]
    world.host.docker("volume", "create", *labels, name)
    world.host.docker("create", *labels, "-v", f"{name}:/files", world.image.reference, "true")

    await engine.ensure(release, revision, 1, {"key": b"value"})

    said = world.host.docker("exec", f"{world.environment.key}-web-r1-1", "cat", "/run/secrets/key")
    assert said.stdout == "value"
    listed = world.host.docker("ps", "-aq", "--filter", "label=fairway.kind=files").stdout
    assert listed == "", "the helper that was never started is swept too"


def left_behind(world: World) -> dict[str, str]:
    return {"app": world.environment.app, "environment": world.environment.name, "kind": "files"}
