"""Logs, exec, one-off runs and down, on a real host and a real terminal."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from contextlib import aclosing
from pathlib import Path

import pytest
from msgspec.structs import replace

from fairway.engines.docker.console import DockerConsole
from fairway.engines.docker.engine import DockerEngine
from fairway.model.app import Logging, Service
from fairway.model.build import ImageRef
from fairway.model.deploy import Deploy, Resources
from fairway.model.files import Mount, Volume
from fairway.model.usage import cpu_share
from fairway.net.client import Docker
from tests.lab import Host
from tests.real.engine.conftest import SLEEP, World
from tests.real.engine.console import console_release

pytestmark = pytest.mark.anyio
CHECKOUT = Path(__file__).parents[3]


@pytest.fixture
def console(world: World, docker: Docker) -> DockerConsole:
    return DockerConsole(world.environment, docker, "web-1")


def arguments(world: World, what: str, tty: str, *command: str) -> list[str]:
    start = [sys.executable, "-m", "tests.real.engine.console", world.host.url, world.environment.app, world.image.id]
    return [*start, what, tty, *command]


def piped(world: World, what: str, *command: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        arguments(world, what, "plain", *command),
        input=stdin,
        capture_output=True,
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": "src"},
        check=False,
        timeout=60,
    )


async def test_lines_of_all_replicas_come_in_the_order_of_their_times(
    world: World, engine: DockerEngine, console: DockerConsole
) -> None:
    script = "for i in 1 2 3 4 5; do echo über $i; echo err $i >&2; sleep 0.1; done; printf end"
    release = world.release(Service(name="web", command=("sh", "-c", script)))
    await engine.ensure(release, release.revisions["web"], 2, {})
    for index in (1, 2):
        world.host.docker("wait", f"{world.environment.key}-web-r1-{index}")
    replicas = (await engine.observe()).replicas

    read = [line async for line in console.logs(replicas)]

    assert len(read) == 22
    assert [line.at for line in read] == sorted(line.at for line in read)
    assert {line.stream for line in read} == {"stdout", "stderr"}
    one = [line.text for line in read if line.replica.index == 1 and line.stream == "stdout"]
    assert one == [*(f"über {i}" for i in range(1, 6)), "end"]
    last = [line.text async for line in console.logs(replicas[:1], tail=1)]
    assert last == ["end"]
    assert [line async for line in console.logs(replicas, since=read[-1].at + 60)] == []


async def test_a_long_line_stays_one_line(world: World, engine: DockerEngine, console: DockerConsole) -> None:
    script = "head -c 50000 /dev/zero | tr '\\0' x; echo; echo short"
    release = world.release(Service(name="web", command=("sh", "-c", script)))
    await engine.ensure(release, release.revisions["web"], 1, {})
    world.host.docker("wait", f"{world.environment.key}-web-r1-1")

    read = [line.text async for line in console.logs((await engine.observe()).replicas)]

    assert read == ["x" * 50000, "short"]


async def test_following_goes_on_with_new_replicas_and_over_restarts(
    world: World, engine: DockerEngine, console: DockerConsole
) -> None:
    script = "echo hello $(hostname); trap 'exit 0' TERM; while :; do sleep 0.05; done"
    service = Service(name="web", command=("sh", "-c", script))
    first, second = world.release(service), world.release(service, number=2, digest="d2")
    await engine.ensure(first, first.revisions["web"], 1, {})
    replicas = (await engine.observe()).replicas
    seen: list[str] = []
    async with asyncio.timeout(30), aclosing(console.logs(replicas, follow=True)) as lines:
        seen.append((await anext(lines)).text)
        await engine.ensure(second, second.revisions["web"], 1, {})
        new = await anext(lines)
        seen.append(new.text)
        await asyncio.to_thread(world.host.docker, "restart", replicas[0].name)
        seen.append((await anext(lines)).text)
    assert new.replica.revision.release == 2
    assert seen == [f"hello {replicas[0].id[:12]}", f"hello {new.replica.id[:12]}", f"hello {replicas[0].id[:12]}"]


async def test_a_replica_whose_logs_are_kept_nowhere(
    world: World, engine: DockerEngine, console: DockerConsole
) -> None:
    release = world.release(Service(name="web", command=SLEEP, logging=Logging(driver="none")))
    await engine.ensure(release, release.revisions["web"], 1, {})
    (line,) = [line async for line in console.logs((await engine.observe()).replicas)]
    assert "none keeps nothing" in line.text


async def test_exec_carries_input_output_and_the_exit_status(world: World, engine: DockerEngine) -> None:
    release = console_release(world)
    await engine.ensure(release, release.revisions["web"], 1, {"key": b"secret"})  # type: ignore[attr-defined, arg-type]

    done = piped(world, "exec", "sh", "-c", "cat; echo error >&2; exit 7", stdin="größe\n".encode() * 5000)

    assert (done.returncode, done.stdout, done.stderr) == (7, "größe\n".encode() * 5000, b"error\n")


async def test_run_has_the_configuration_of_the_release_and_leaves_nothing(world: World, engine: DockerEngine) -> None:
    done = piped(world, "run", "sh", "-c", "echo $COLOUR $EXTRA; cat /run/secrets/key -; exit 3", stdin=b" typed")
    assert (done.returncode, done.stdout, done.stderr) == (3, "blue größer\nsecret typed".encode(), b"")
    assert (await engine.observe()).replicas == ()
    label = f"label=fairway.app={world.environment.app}"
    assert world.host.docker("ps", "-aq", "--filter", label).stdout == ""


async def test_a_program_that_is_not_there(world: World) -> None:
    done = piped(world, "run", "/no/such")
    assert b"could not be started" in done.stderr


def read_until(wanted: bytes, terminal: int) -> None:
    shown = b""
    while wanted not in shown:
        assert select.select([terminal], [], [], 30)[0], shown
        shown += os.read(terminal, 1000)


async def test_a_terminal_is_a_terminal(world: World) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    before = termios.tcgetattr(theirs)
    script = 'until [ "$(stty size)" = "33 99" ]; do sleep 0.05; done; stty size; read -r word; echo got $word; exit 5'
    process = await asyncio.create_subprocess_exec(
        *arguments(world, "run", "tty", "sh", "-c", script),
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": "src"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    await asyncio.to_thread(read_until, b"33 99", ours)
    os.write(ours, b"word\r")
    await asyncio.to_thread(read_until, b"got word", ours)
    assert await process.wait() == 5
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)


async def test_down_removes_everything_but_volumes(world: World, engine: DockerEngine, console: DockerConsole) -> None:
    data = Mount(type="volume", source="data", target="/data")
    release = world.release(Service(name="web", command=SLEEP, volumes=(data,)), volumes={"data": Volume(key="data")})
    key = world.environment.key
    await engine.ensure(release, release.revisions["web"], 2, {})

    assert await console.down() == (f"{key}-web-r1-1", f"{key}-web-r1-2", f"{key}_default")
    assert await console.down(volumes=True) == (f"{key}_data",)
    assert await console.down(volumes=True) == ()


BUSY = "held = b'x' * (50 << 20); open('/tmp/f', 'wb').write(held); n = 0\nwhile True: n += 1"


async def test_what_a_replica_uses(
    world: World, engine: DockerEngine, console: DockerConsole, docker_host: Host, tools_image: str
) -> None:
    identity = docker_host.docker("image", "inspect", tools_image, "--format", "{{.Id}}").stdout.strip()
    limits = Resources(cpus=0.5, memory=256 << 20, pids=20)
    release = world.release(
        Service(name="busy", command=("python3", "-c", BUSY), init=True, deploy=Deploy(limits=limits)),
        Service(name="ended", command=("true",)),
    )
    image = ImageRef(reference=tools_image, id=identity)
    release = replace(release, images={"busy": image, "ended": image})
    for name in ("busy", "ended"):
        await engine.ensure(release, release.revisions[name], 1, {})
    docker_host.docker("wait", f"{world.environment.key}-ended-r1-1")
    replicas = (await engine.observe()).replicas
    busy, ended = sorted(replicas, key=lambda replica: replica.name)
    await asyncio.sleep(0.5)  # it is through with its file
    before = await console.sample(replicas)
    await asyncio.sleep(1.5)
    after = (await console.sample(replicas))[busy.id]

    assert ended.id not in before
    share = cpu_share(before[busy.id], after)
    assert share is not None
    assert 0 < share < 0.6
    assert after.memory is not None
    assert 50 << 20 < after.memory < 90 << 20
    assert (after.limit, after.pids) == (256 << 20, 2)
    assert after.received is not None
    assert after.written is not None
