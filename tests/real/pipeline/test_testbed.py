from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fairway.engines.docker.testbed import DockerTestBeds
from fairway.model.app import App, Attachment, Dependency, Healthcheck, Network, Port, Service
from fairway.model.build import ImageRef
from fairway.model.deploy import RestartPolicy
from fairway.model.errors import EngineError, NotReady
from fairway.model.events import Event, Note, Output
from fairway.model.files import FileMount, FileObject, Mount, Volume
from fairway.net.client import Docker
from fairway.net.docker import connect
from tests.lab.host import Host
from tests.real.pipeline.conftest import SERVE

pytestmark = pytest.mark.anyio
BASE = "debian:bookworm-slim"


@pytest.fixture
async def docker(docker_host: Host) -> AsyncIterator[Docker]:
    async with connect(docker_host.url) as client:
        yield client


@pytest.fixture
def beds(docker: Docker, helper: str) -> DockerTestBeds:
    return DockerTestBeds(docker, image=helper)


@pytest.fixture(autouse=True)
def nothing_left(docker_host: Host) -> Iterator[None]:
    yield
    assert leftovers(docker_host) == []


def leftovers(host: Host) -> list[str]:
    label = ("--filter", "label=fairway.app=bed", "--quiet")
    kinds = (("ps", "--all"), ("volume", "ls"), ("network", "ls"))
    return [name for kind in kinds for name in host.docker(*kind, *label).stdout.split()]


def service(name: str, script: str = "", **fields: object) -> Service:
    command = ("perl", "-e", SERVE) if not script else ("sh", "-c", script)
    return Service(name=name, image=BASE, command=command, **fields)  # type: ignore[arg-type]


def app(*services: Service, **fields: object) -> App:
    return App(name="bed", services={s.name: s for s in services}, **fields)  # type: ignore[arg-type]


def check(test: str, **fields: float) -> Healthcheck:
    return Healthcheck(test=("CMD-SHELL", test), interval=0.3, timeout=2.0, retries=int(fields.get("retries", 20)))


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def lines(events: list[Event]) -> list[str]:
    return [event.line for event in events if isinstance(event, Output)]


async def test_a_command_runs_in_the_image_with_its_environment(beds: DockerTestBeds) -> None:
    events: list[Event] = []
    web = service("web", "exit 9", environment={"A": "1", "B": "1"})
    async with beds.open(app(web), {}, {}) as bed:
        script = ["sh", "-c", "echo $A $B; echo oops >&2; exit 4"]
        ended = await bed.run("web", script, {"B": "2"}, events.append, "k")
        assert ended.exit_code == 4
        assert set(ended.output.splitlines()) == {"1 2", "oops"}
        assert Output("k", "1 2") in events
        assert (await bed.run("web", None, {}, events.append, "k")).exit_code == 9


async def test_an_application_comes_up_in_the_order_of_its_dependencies(beds: DockerTestBeds) -> None:
    events: list[Event] = []
    shop = app(
        service("web", depends_on={"db": Dependency(service="db", condition="service_healthy")}),
        service(
            "db",
            "sleep 0.7; touch /ready; exec sleep 99",
            healthcheck=check("test -e /ready"),
            depends_on={"seed": Dependency(service="seed", condition="service_completed_successfully")},
        ),
        service("seed", "sleep 0.2"),
    )
    async with beds.open(shop, {}, {}) as bed:
        await bed.up(events.append)
        assert lines(events) == ["seed is up", "db is up", "web is up"]
        status, body = None, ""
        while status is None:
            status, body = await bed.http("web", 80, "/", 5, {})
        assert (status, body) == (200, "I am web\n")
        assert await bed.http("web", 80, "/x", 5, {"Host": "shop.example"}) == (404, "I am shop.example\n")
        assert (await bed.http("web", 81, "/", 5, {}))[0] is None
        ended = await bed.run("db", ["perl", "-e", "use Socket; exit !inet_aton 'web'"], {}, events.append, "k")
        assert ended.exit_code == 0


async def test_nothing_of_it_reaches_outside(
    beds: DockerTestBeds, docker_host: Host, docker: Docker, tmp_path: Path
) -> None:
    """What serves has the port, the names, the network and the volume: the test comes up beside it, and takes none."""
    docker_host.docker("volume", "create", "bed-production")
    docker_host.docker("network", "create", "bed-front")
    docker_host.docker("run", "--detach", "--name", "bed-web", "--publish", "8099:80", BASE, "sleep", "99")
    events: list[Event] = []
    try:
        web = service(
            "web",
            "touch /data/x /bind/x; test ! -e /ro/none && sleep 99",
            ports=(Port(target=80, published=8099),),
            container_name="bed-web",
            labels={"traefik.enable": "true"},
            network_mode="host",
            volumes=(
                Mount(type="volume", source="data", target="/data"),
                Mount(type="bind", source=str(tmp_path), target="/bind"),
                Mount(type="bind", source=str(tmp_path), target="/ro", read_only=True),
            ),
        )
        shop = app(
            web,
            service("other", "sleep 99", networks={"front": Attachment()}),
            volumes={"data": Volume(key="data", name="bed-production", external=True)},
            networks={"front": Network(key="front", name="bed-front", external=True)},
        )
        async with beds.open(shop, {}, {}) as bed:
            await bed.up(events.append)
            found = await docker.get("containers/json", filters={"label": ["fairway.service=web"]})
            assert "traefik.enable" not in found[0]["Labels"]
            assert found[0]["Ports"] == [] or not any("PublicPort" in port for port in found[0]["Ports"])
            front = await docker.get("networks/bed-front")
            assert front["Containers"] == {}
        notes = [event.text for event in events if isinstance(event, Note)]
        assert len(notes) == 3
        left = docker_host.docker("run", "--rm", "--volume", "bed-production:/v", BASE, "ls", "/v").stdout
        assert left == ""
        assert files(tmp_path) == []
    finally:
        docker_host.docker("rm", "--force", "bed-web")
        docker_host.docker("volume", "rm", "bed-production")
        docker_host.docker("network", "rm", "bed-front")


@pytest.mark.parametrize("script", ["printf end", "sleep 0.3; printf end", "echo begin; sleep 0.3; printf end"])
async def test_a_last_line_without_an_end_is_read(beds: DockerTestBeds, script: str) -> None:
    told: list[str] = []

    def emit(event: Event) -> None:
        if isinstance(event, Output):
            told.append(event.line)

    async with beds.open(app(service("web")), {}, {}) as bed:
        ended = await bed.run("web", ["sh", "-c", script], {}, emit, "k")
    assert told == (["begin", "end"] if "begin" in script else ["end"])
    assert ended.output == "\n".join(told)


async def test_secrets_and_configs_are_files(beds: DockerTestBeds, tmp_path: Path) -> None:
    (tmp_path / "c").write_text("a config")
    web = service(
        "web",
        secrets=(FileMount(source="key", target="/run/secrets/key"),),
        configs=(FileMount(source="conf", target="/etc/conf"),),
    )
    shop = app(
        web,
        secrets={"key": FileObject(name="key", environment="KEY")},
        configs={"conf": FileObject(name="conf", file=str(tmp_path / "c"))},
    )
    async with beds.open(shop, {}, {"key": b"sesame"}) as bed:
        ended = await bed.run("web", ["cat", "/run/secrets/key", "/etc/conf"], {}, lambda event: None, "k")
    assert ended.output == "sesamea config"


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (service("web", "echo no database; exit 3"), "exit status 3"),
        (service("web", "echo no database; sleep 99", healthcheck=check("false", retries=2)), "unhealthy"),
        (service("web", "echo no database; exit 1", restart=RestartPolicy(condition="any")), "crashed 5 times"),
    ],
)
async def test_what_will_never_be_up_fails_at_once_with_its_last_lines(
    beds: DockerTestBeds, broken: Service, why: str
) -> None:
    events: list[Event] = []
    with pytest.raises(NotReady, match=why) as caught:
        async with beds.open(app(broken, service("ok", "sleep 99")), {}, {}) as bed:
            await bed.up(events.append)
    assert "no database" in caught.value.why
    assert any("web: no database" in line for line in lines(events))


async def test_a_service_that_dies_later_is_noticed_by_the_check(beds: DockerTestBeds) -> None:
    with pytest.raises(NotReady, match="exit status 7"):
        async with beds.open(app(service("web", "sleep 0.5; exit 7")), {}, {}) as bed:
            await bed.up(lambda event: None)
            while True:
                assert (await bed.http("web", 80, "/", 5, {}))[0] is None


async def test_a_command_that_is_not_there_is_said(beds: DockerTestBeds) -> None:
    with pytest.raises(EngineError, match="could not be started"):
        async with beds.open(app(service("web")), {}, {}) as bed:
            await bed.run("web", ["/no/such/program"], {}, lambda event: None, "k")


async def test_an_image_of_a_build_is_used_by_its_identity(beds: DockerTestBeds, docker_host: Host) -> None:
    made = docker_host.docker("image", "inspect", "--format", "{{.Id}}", BASE).stdout.strip()
    web = Service(name="web", image="no/such:image")
    async with beds.open(app(web), {"web": ImageRef(reference="no/such:tag", id=made)}, {}) as bed:
        assert (await bed.run("web", ["true"], {}, lambda event: None, "k")).exit_code == 0


async def test_cancelling_takes_everything_down(beds: DockerTestBeds, docker_host: Host) -> None:
    up = asyncio.Event()
    web = service("web", volumes=(Mount(type="volume", source="d", target="/d"),))
    shop = app(web, volumes={"d": Volume(key="d")})

    async def forever() -> None:
        async with beds.open(shop, {}, {}) as bed:
            await bed.up(lambda event: None)
            up.set()
            await bed.run("web", ["sleep", "99"], {}, lambda event: None, "k")

    task = asyncio.create_task(forever())
    await up.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert leftovers(docker_host) == []


PROGRAM = """
import asyncio, sys
from fairway.engines.docker.testbed import DockerTestBeds
from fairway.model.app import App, Service
from fairway.model.files import Mount, Volume
from fairway.net.docker import connect

async def main(url, helper):
    web = Service(name="web", image="debian:bookworm-slim", command=("sleep", "99"),
                  volumes=(Mount(type="volume", source="d", target="/d"),))
    app = App(name="bed", services={"web": web}, volumes={"d": Volume(key="d")})
    async with connect(url) as docker, DockerTestBeds(docker, image=helper).open(app, {}, {}) as bed:
        await bed.up(lambda event: None)
        await bed.run("web", ["sh", "-c", "echo; exec sleep 99"], {}, lambda event: print("up", flush=True), "k")

try:
    asyncio.run(main(*sys.argv[1:]))
except KeyboardInterrupt:
    sys.exit(130)
"""


def started(host: Host, helper: str) -> subprocess.Popen[str]:
    """A process of its own, once its application is up and a test runs in it."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, host.url, helper], stdout=subprocess.PIPE, text=True, env=env
    )
    assert process.stdout and process.stdout.readline() == "up\n"
    return process


def test_ctrl_c_takes_everything_down(docker_host: Host, helper: str) -> None:
    process = started(docker_host, helper)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert leftovers(docker_host) == []


async def test_what_a_killed_test_left_is_swept_by_the_next(
    beds: DockerTestBeds, docker_host: Host, helper: str
) -> None:
    killed = await asyncio.to_thread(started, docker_host, helper)
    left = set(leftovers(docker_host))
    assert len(left) >= 4, "the service, the test in it, the network, the volume"
    alive = await asyncio.to_thread(started, docker_host, helper)
    living = set(leftovers(docker_host)) - left
    killed.kill()
    killed.wait()
    await asyncio.to_thread(wait_for_free_lease, docker_host)
    async with beds.open(app(service("other", "true")), {}, {}):
        found = set(leftovers(docker_host))
        assert (found & left, living - found) == (set(), set())
        assert alive.poll() is None
    alive.send_signal(signal.SIGINT)
    assert await asyncio.to_thread(alive.wait, 30) == 130


def wait_for_free_lease(host: Host) -> None:
    label = ("--filter", "label=fairway.kind=lease", "--filter", "label=fairway.app=bed")
    while len(host.docker("ps", "--quiet", *label).stdout.split()) > 1:
        time.sleep(0.05)
