"""The example application by itself, in containers started by hand: what the deployments of it rely on."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.lab import Host
from tests.lab.shell import wait_until
from tests.load import Load
from tests.real.deploy.site import HTTP_PORT, Site
from tests.real.example.strict import make_strict

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


@pytest.fixture(scope="module")
def strict(docker_host: Host, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The example with `hardening: strict` instead of what makes it safe, shipped to staging."""
    site = make_strict(EXAMPLE, tmp_path_factory.mktemp("strict") / "site", docker_host, "strict")
    site.fairway("ship", "staging")
    yield site
    site.fairway("down", "staging", "--yes", "--volumes", check=False)


def inside(site: Site, service: str, script: str) -> str:
    (name,) = [one["name"] for one in site.json("ps", "staging") if one["revision"]["service"] == service]
    return site.host.docker("exec", name, "sh", "-c", script).stdout.strip()


ROOTS_OWN = 0x4EB  # CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID, NET_BIND_SERVICE


@pytest.mark.parametrize(
    ("service", "user", "capabilities"),
    [
        ("identidock", "900", 0),
        ("painter", "901", 0),
        ("cache", "100", 0),
        ("plain", "65532", 0),
        ("rooted", "0", ROOTS_OWN),
    ],
)
def test_a_hardened_service_may_do_next_to_nothing(strict: Site, service: str, user: str, capabilities: int) -> None:
    said = inside(strict, service, "id -u; cat /proc/1/status; touch /x || echo read-only; touch /tmp/x && echo tmp")
    first, *lines = said.splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert first == user
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {capabilities}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert lines[-2:] == ["read-only", "tmp"]
    pids = "cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null || true"
    assert inside(strict, service, pids) == "512"


def test_a_hardened_example_serves(strict: Site) -> None:
    connection = http.client.HTTPConnection(strict.host.address, HTTP_PORT, timeout=10)
    connection.request("GET", "/monster/gordon", headers={"Host": "staging.identidock.localhost"})
    answer = connection.getresponse()
    assert (answer.status, answer.read()[:4]) == (200, b"\x89PNG")
    assert inside(strict, "plain", "cat /run/secrets/token; touch /run/x && echo ' written'") == "hush written"


def test_a_plan_says_what_was_hardened(strict: Site) -> None:
    told = {one["service"]: one for one in strict.json("plan", "staging")["hardening"]}
    assert told["plain"]["added"][1] == "it runs as 65532:65532"
    assert told["rooted"]["left"] == [
        "it runs as root: it writes to /data, which may be root's; name a `user` that can"
    ]
    assert all(len(one["added"]) >= 5 for one in told.values())
    whole = strict.json("config", "staging", "--hardened")["services"]
    assert (whole["plain"]["user"], whole["plain"]["cap_drop"]) == ("65532:65532", ["ALL"])
    assert whole["rooted"]["cap_add"][0] == "CHOWN"


OF_THE_LAB = {"FW-H006", "FW-H007", "FW-H008", "FW-H009", "FW-H012", "FW-H014"}
"""What the lab's hosts are like, and what other tests leave running on them."""


def test_the_audit_of_a_hardened_example(strict: Site) -> None:
    done = strict.fairway("check", "--security", "staging", "--fail-on", "high", "--json", check=False)
    audit = json.loads(done.stdout)["staging"]
    rules = {(one["rule"], one["service"]) for one in audit["findings"] if one["rule"] not in OF_THE_LAB}
    unlimited = {
        (rule, name) for rule in ("FW-C018", "FW-C020", "FW-C024", "FW-C029", "FW-I001") for name in ("plain", "rooted")
    }
    assert rules == {("FW-C001", "rooted"), *unlimited}
    assert {one["finding"]["rule"] for one in audit["accepted"]} == {"FW-D002"}
    assert (done.returncode, audit["unseen"]) == (6, [])
