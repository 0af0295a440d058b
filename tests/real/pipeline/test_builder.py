from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from fairway.builders import workplace
from fairway.builders.client import Kind, find_client
from fairway.builders.docker import DockerBuilder
from fairway.model.app import BuildSpec, Location, Service
from fairway.model.build import ImageRef
from fairway.model.errors import BuildFailed, EngineUnreachable
from fairway.model.events import Event, Output
from fairway.model.files import FileMount
from fairway.ports.making import BuildRequest
from tests.lab.host import Host

pytestmark = pytest.mark.anyio
TAG = "pipeline-test/web:1"


@pytest.fixture(autouse=True)
def clean(docker_host: Host) -> Iterator[None]:
    yield
    docker_host.docker("image", "rm", "--force", TAG, check=False)


def request(context: Path, dockerfile: str | None = None, **fields: object) -> BuildRequest:
    if dockerfile is not None:
        (context / "Dockerfile").write_text(dockerfile)
    secrets = fields.pop("values", {})
    spec = replace(BuildSpec(context=str(context)), **fields)  # type: ignore[arg-type]
    return BuildRequest(Service(name="web", build=spec), (TAG,), {"a.label": "x y"}, secrets)  # type: ignore[arg-type]


def lines(events: list[Event]) -> list[str]:
    return [event.line for event in events if isinstance(event, Output)]


def ignore(event: Event) -> None:
    pass


def run(host: Host, *command: str) -> str:
    return host.docker("run", "--rm", TAG, *command).stdout.strip()


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the builder keeps its secrets, this test's alone: others build at the same time."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        monkeypatch.setattr(workplace, "MEMORY", Path(directory))
        yield Path(directory)


def wait_for_the_end_of(command: str) -> None:
    while command in subprocess.run(["ps", "axww"], check=True, capture_output=True, text=True).stdout:
        time.sleep(0.1)


async def test_an_image_is_built_with_arguments_target_and_labels(
    builder: DockerBuilder, docker_host: Host, tmp_path: Path
) -> None:
    events: list[Event] = []
    recipe = "FROM debian:bookworm-slim AS one\nARG X\nRUN echo made of $X > /x\nFROM one\nRUN exit 1\n"
    image = await builder.build(request(tmp_path, recipe, args={"X": "oak"}, target="one"), events.append)
    assert image.reference == TAG
    assert run(docker_host, "cat", "/x") == "made of oak"
    seen = json.loads(docker_host.docker("image", "inspect", TAG).stdout)[0]
    assert seen["Id"] == image.id
    assert seen["Config"]["Labels"]["a.label"] == "x y"
    assert any("RUN echo made of" in line for line in lines(events))
    assert await builder.present(image)
    assert not await builder.present(ImageRef(reference="x", id="sha256:" + "0" * 64))


async def test_a_secret_is_there_while_building_and_nowhere_else(
    builder: DockerBuilder, docker_host: Host, tmp_path: Path, memory: Path
) -> None:
    recipe = "FROM debian:bookworm-slim\nRUN --mount=type=secret,id=key sha256sum /run/secrets/key | cut -c1-8 > /sum\n"
    mount = FileMount(source="key", target="/run/secrets/key")
    await builder.build(request(tmp_path, recipe, secrets=(mount,), values={"key": b"open sesame"}), ignore)
    assert run(docker_host, "cat", "/sum") == "41ef4bb0"
    assert "sesame" not in docker_host.docker("history", "--no-trunc", TAG).stdout
    assert not os.listdir(memory)  # noqa: PTH208 -- a directory in memory does not block


async def test_an_inline_dockerfile_reads_its_context(
    builder: DockerBuilder, docker_host: Host, tmp_path: Path
) -> None:
    (tmp_path / "a").write_text("here")
    await builder.build(request(tmp_path, dockerfile_inline="FROM debian:bookworm-slim\nCOPY a /a\n"), ignore)
    assert run(docker_host, "cat", "/a") == "here"


async def test_additional_contexts_are_directories_and_images(
    builder: DockerBuilder, docker_host: Host, tmp_path: Path
) -> None:
    for name in ("main", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "other" / "b").write_text("beside")
    base = request(tmp_path / "main", "FROM debian:bookworm-slim\nRUN echo base > /base\n")
    await builder.build(replace(base, tags=("pipeline-test/base:1",)), ignore)
    recipe = "FROM base/image\nCOPY --from=other b /b\n"
    contexts = {"other": str(tmp_path / "other"), "base/image": "docker-image://pipeline-test/base:1"}
    await builder.build(request(tmp_path / "main", recipe, additional_contexts=contexts), ignore)
    docker_host.docker("image", "rm", "pipeline-test/base:1")
    assert run(docker_host, "cat", "/b", "/base") == "besidebase"
    assert not docker_host.docker("image", "ls", "--quiet", "fairway-context").stdout


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """The socket of an ssh-agent."""
    socket = str(tmp_path / "agent")
    said = subprocess.run(["ssh-agent", "-a", socket], check=True, capture_output=True, text=True).stdout
    yield socket
    os.kill(int(said.partition("SSH_AGENT_PID=")[2].partition(";")[0]), signal.SIGTERM)


async def test_an_agent_is_there_while_building(
    docker_host: Host, environ: dict[str, str], agent: str, tmp_path: Path
) -> None:
    builder = DockerBuilder(docker_host.url, environ={**environ, "SSH_AUTH_SOCK": agent})
    (tmp_path / "context").mkdir()
    recipe = 'FROM debian:bookworm-slim\nRUN --mount=type=ssh test -S "$SSH_AUTH_SOCK"\n'
    assert await builder.build(request(tmp_path / "context", recipe, ssh=("default",), no_cache=True), ignore)


async def test_hosts_network_and_cache_are_passed_on(builder: DockerBuilder, docker_host: Host, tmp_path: Path) -> None:
    recipe = "FROM debian:bookworm-slim\nRUN cat /etc/hosts > /h; ls /sys/class/net > /n\n"
    asked = request(tmp_path, recipe, extra_hosts=("db.example:10.9.8.7",), network="none", cache_to=("type=inline",))
    first = await builder.build(asked, ignore)
    assert "10.9.8.7\tdb.example" in run(docker_host, "cat", "/h")
    assert "eth0" not in run(docker_host, "cat", "/n")
    assert (await builder.build(asked, ignore)).id == first.id, "the same call does the same thing"


async def test_a_failing_instruction_is_named_with_its_line(builder: DockerBuilder, tmp_path: Path) -> None:
    recipe = "FROM debian:bookworm-slim\n\nRUN echo some words; \\\n    exit 7\n"
    with pytest.raises(BuildFailed) as caught:
        await builder.build(request(tmp_path, recipe), ignore)
    assert caught.value.where == Location(str(tmp_path / "Dockerfile"), 3)
    assert "some words" in caught.value.why
    assert "exit code: 7" in caught.value.why


@pytest.mark.parametrize(
    ("recipe", "why"),
    [
        ("FROM debian:bookworm-slim\nRUNX true\n", "unknown instruction"),
        ("FROM debian:bookworm-slim\nCOPY nothing /\n", "nothing"),
        ("FROM registry.invalid/none:1\n", "registry.invalid"),
        ("", ""),
    ],
)
async def test_a_wrong_dockerfile_is_explained(builder: DockerBuilder, tmp_path: Path, recipe: str, why: str) -> None:
    with pytest.raises(BuildFailed) as caught:
        await builder.build(request(tmp_path, recipe), ignore)
    assert why in caught.value.why
    assert caught.value.why


async def test_a_missing_dockerfile_or_context_is_said_before_anything_runs(
    builder: DockerBuilder, tmp_path: Path
) -> None:
    with pytest.raises(BuildFailed, match="no Dockerfile") as caught:
        await builder.build(request(tmp_path), ignore)
    assert caught.value.where == str(tmp_path / "Dockerfile")
    with pytest.raises(BuildFailed, match="no directory"):
        await builder.bases(request(tmp_path / "none").service)


async def test_no_engine_is_not_a_failed_build(environ: dict[str, str], tmp_path: Path) -> None:
    builder = DockerBuilder(f"unix://{tmp_path}/none.sock", environ=environ)
    with pytest.raises(EngineUnreachable, match="No engine answers"):
        await builder.build(request(tmp_path, "FROM scratch\nCOPY . /\n"), ignore)
    with pytest.raises(EngineUnreachable):
        await builder.present(ImageRef(reference="x", id="sha256:0"))


async def test_cancelling_ends_the_build_and_its_processes(
    builder: DockerBuilder, docker_host: Host, tmp_path: Path
) -> None:
    started = asyncio.Event()

    def watch(event: Event) -> None:
        if isinstance(event, Output) and event.line == "started":
            started.set()

    recipe = "FROM debian:bookworm-slim\nRUN echo started; sleep 271\n"
    task = asyncio.create_task(builder.build(request(tmp_path, recipe, no_cache=True), watch))
    async with asyncio.timeout(60):
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(wait_for_the_end_of, "sleep 271")


async def test_builds_on_an_engine_behind_tls(docker_host: Host, environ: dict[str, str], tmp_path: Path) -> None:
    builder = DockerBuilder(docker_host.tls_url, docker_host.tls, environ)
    image = await builder.build(request(tmp_path, "FROM debian:bookworm-slim\nRUN true\n"), ignore)
    assert image.id.startswith("sha256:")


async def test_a_command_line_is_found_that_builds_with_buildkit(environ: dict[str, str], tmp_path: Path) -> None:
    found = await find_client(environ)
    assert found.kind in (Kind.BUILDX, Kind.BUILDKIT)
    newer = tmp_path / "docker"
    newer.write_text("#!/bin/sh\n[ \"$1\" = buildx ] && exit 1\necho 'Docker version 28.2.2, build x'\n")
    newer.chmod(0o755)
    assert await find_client({**environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}) == found


async def test_the_legacy_builder_refuses_what_it_would_ignore(
    builder: DockerBuilder, docker_host: Host, environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await builder.client()
    legacy = DockerBuilder(docker_host.url, environ=environ)
    legacy._client = replace(client, kind=Kind.LEGACY)
    mount = FileMount(source="key", target="key")
    with pytest.raises(BuildFailed, match="the legacy builder does not know secrets, ssh"):
        await legacy.build(request(tmp_path, "FROM scratch\n", secrets=(mount,), ssh=("default",)), ignore)
    await legacy.build(request(tmp_path, "FROM debian:bookworm-slim\nRUN df /dev/shm > /x\n", shm_size=2**27), ignore)
    assert "131072" in run(docker_host, "cat", "/x")
    with pytest.raises(BuildFailed) as caught:
        await legacy.build(request(tmp_path, "FROM debian:bookworm-slim\nRUN echo words; exit 3\n"), ignore)
    assert caught.value.where == Location(str(tmp_path / "Dockerfile"), 2)
    assert "words" in caught.value.why
