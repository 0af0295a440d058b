"""The example application by itself, in containers started by hand: what the deployments of it rely on."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.lab import Host
from tests.lab.shell import wait_until
from tests.load import Load

EXAMPLE = Path(__file__).parents[3] / "examples" / "identidock"
SERVICES = ("identidock", "painter", "cache")
HARDENED = ["--init", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges:true"]
PORT = 9191


@pytest.fixture(scope="module")
def images(docker_host: Host, base_image: str) -> Iterator[dict[str, str]]:
    names = {service: f"example-{service}:test" for service in SERVICES}

    def build(service: str) -> None:
        docker_host.docker("build", "--build-arg=VERSION=test", "-t", names[service], str(EXAMPLE / service))

    with ThreadPoolExecutor() as pool:
        list(pool.map(build, SERVICES))
    yield names
    docker_host.docker("image", "rm", "--force", *names.values())


@pytest.fixture
def running(docker_host: Host, images: dict[str, str]) -> Iterator[str]:
    """The whole application; yields the address of its pages."""
    docker_host.docker("network", "create", "example-test")
    try:
        for service in ("cache", "painter", "identidock"):
            options = [f"--name=example-{service}", "--network=example-test", f"--network-alias={service}"]
            options += ["--publish=9191:9090"] if service == "identidock" else []
            options += ["--volume=example-pictures:/data"] if service == "cache" else []
            docker_host.docker("run", "--detach", *HARDENED, *options, images[service])
        wait_until(lambda: status(docker_host.address, "/ready") == 200, 15, "the example to be ready")
        yield docker_host.address
    finally:
        docker_host.docker("rm", "--force", "--volumes", *(f"example-{service}" for service in SERVICES), check=False)
        docker_host.docker("network", "rm", "example-test")
        docker_host.docker("volume", "rm", "example-pictures", check=False)


def status(address: str, path: str) -> int:
    connection = http.client.HTTPConnection(address, PORT, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def picture(address: str, name: str) -> tuple[str | None, bytes]:
    connection = http.client.HTTPConnection(address, PORT, timeout=10)
    connection.request("GET", f"/monster/{name}")
    answer = connection.getresponse()
    return answer.headers["X-Cache"], answer.read()


@pytest.mark.parametrize("service", ["identidock", "painter"])
def test_the_unit_tests_in_the_image_pass(docker_host: Host, images: dict[str, str], service: str) -> None:
    done = docker_host.docker("run", "--rm", images[service], "python3", "-m", "unittest")
    assert done.stderr.endswith("OK\n")


def test_the_environment_switches_to_the_tests(docker_host: Host, images: dict[str, str]) -> None:
    done = docker_host.docker("run", "--rm", "--env=ENV=UNIT", images["identidock"])
    assert done.stdout.splitlines()[-1] == "Result: SUCCESS!"


def test_a_picture_goes_through_all_parts(docker_host: Host, running: str) -> None:
    assert picture(running, "gordon")[0] == "miss"
    found, image = picture(running, "gordon")
    assert (found, image[:4]) == ("hit", b"\x89PNG")
    docker_host.docker("stop", "--time=0", "example-cache")
    assert picture(running, "gordon") == ("none", image)


def test_sigterm_ends_connections_politely(docker_host: Host, running: str) -> None:
    url = f"http://{running}:{PORT}"
    with Load(url, keep_alive=0, one_shot=0, websockets=2, streams=2, slow=2, slow_path="/slow?s=3", pause=0.1) as load:
        time.sleep(0.5)  # the slow requests are under way
        docker_host.docker("stop", "--time=10", "example-identidock")
    report = load.report
    assert report.websockets.closes.get("1001") == 2
    assert report.streams.closes.get("ended") == 2
    assert report.versions == {"test": 2}, "the slow requests under way were answered"
    assert docker_host.docker("inspect", "--format={{.State.ExitCode}}", "example-identidock").stdout.strip() == "0"
