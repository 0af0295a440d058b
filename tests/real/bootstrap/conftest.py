"""A bare Debian, and the user's own ssh that leads to it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab import Host, Lab, Registry
from tests.lab.machine import Machine
from tests.real.engine.sshd import configure
from tests.real.errors.shop import FAIRWAY, Said

DAEMON = "etc/docker/daemon.json"


@dataclass
class Bare:
    machine: Machine
    directory: Path

    def address(self, user: str = "root") -> str:
        return f"ssh://{user}@{self.machine.address}"

    def words(self, *more: str, user: str = "root") -> list[str]:
        return [FAIRWAY, "hosts", "bootstrap", self.address(user), *more]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PATH": f"{self.directory / 'bin'}:{os.environ['PATH']}"}

    def bootstrap(self, *more: str, user: str = "root") -> Said:
        done = subprocess.run(
            self.words(*more, user=user),
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=200,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def told(self, status: int = 0, *more: str, user: str = "root") -> dict[str, Any]:
        said = self.bootstrap("--json", *more, user=user)
        said.expect(status)
        return dict(json.loads(said.out))

    @property
    def daemon(self) -> Path:
        return self.machine.root / DAEMON

    @property
    def config(self) -> dict[str, Any]:
        return dict(json.loads(self.daemon.read_text()))

    def docker(self, *words: str) -> str:
        return self.machine.run(" ".join(["docker", *words])).strip()

    @property
    def engine(self) -> str:
        """Which process the engine is: another one after each restart."""
        return self.machine.run("cat /run/docker.pid")


def did(told: dict[str, Any]) -> dict[str, list[str]]:
    """What each step did, in order."""
    steps: dict[str, list[str]] = {}
    for each in told["steps"]:
        steps.setdefault(each["step"], []).append(each["did"])
    return steps


@pytest.fixture(scope="package")
def foreign(lab: Lab, docker_host: Host, base_image: str, registry: Registry) -> dict[str, Any]:
    """What somebody has set on the machine before: where Docker finds the base image."""
    name = f"{registry.address}/library/debian:bookworm-slim"
    docker_host.docker("tag", base_image, name)
    docker_host.docker("push", "--quiet", name)
    docker_host.docker("rmi", name)
    return {"registry-mirrors": [f"http://{registry.address}"], "labels": ["rack=7"], "log-opts": {"max-size": "50m"}}


@pytest.fixture(scope="package")
def bare(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    """Without Docker, until a test has brought it there."""
    machine = lab.machine()
    directory = tmp_path_factory.mktemp("ssh")
    (directory / "user").write_bytes(machine.key.read_bytes())
    (directory / "user").chmod(0o600)
    (directory / "known").write_text(f"{machine.address} {machine.host_key}\n")
    configure(directory)
    yield Bare(machine, directory)
    machine.destroy()
