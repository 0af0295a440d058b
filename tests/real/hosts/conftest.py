"""Three hosts of one environment, each reached in another way: a unix socket, TLS, ssh."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.lab import Host, Lab
from tests.real.engine.sshd import Sshd
from tests.real.engine.sshd import start as start_sshd
from tests.real.errors.shop import FAIRWAY, Said

SETTINGS = """\
app: shop
environments:
  fleet:
    hosts:
      socket: "{socket.url}"
      tls:
        address: {tls.tls_url}
        tls: {{ca: "{tls.tls}/ca.pem", cert: "{tls.tls}/cert.pem", key: "{tls.tls}/key.pem"}}
        edge: true
        labels: [zone=a]
      ssh: {sshd.address}
  lonely:
    hosts:
      tls: {tls.tls_url}
"""


@dataclass
class Fleet:
    socket: Host
    tls: Host
    ssh: Host
    sshd: Sshd
    directory: Path

    def fairway(self, *words: str) -> Said:
        """`fairway WORDS`; no host of these tests is far away."""
        path = {"PATH": f"{self.sshd.wrapper}:{os.environ['PATH']}"}
        done = subprocess.run(
            [FAIRWAY, *words, "--timeout", "4.5s"],
            cwd=self.directory,
            env={**os.environ, **path},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def told(self, exit_status: int, environment: str = "fleet") -> dict[str, Any]:
        """What `--json` says of each host."""
        said = self.fairway("hosts", environment, "--json")
        said.expect(exit_status)
        return {host["name"]: host for host in msgspec.json.decode(said.out)["hosts"]}


@pytest.fixture(scope="package")
def fleet(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    hosts = [lab.host() for _ in range(3)]
    directory = tmp_path_factory.mktemp("fleet")
    sshd = start_sshd(hosts[2], tmp_path_factory.mktemp("ssh"))
    made = Fleet(*hosts, sshd, directory)
    (directory / "fairway.yaml").write_text(SETTINGS.format(socket=made.socket, tls=made.tls, sshd=sshd))
    yield made
    sshd.stop()
    for host in hosts:
        host.destroy()


@contextmanager
def unplugged(host: Host) -> Iterator[None]:
    host.unplug()
    try:
        yield
    finally:
        host.plug()


@contextmanager
def stopped(host: Host) -> Iterator[None]:
    host.stop()
    try:
        yield
    finally:
        host.start()


@contextmanager
def frozen(host: Host) -> Iterator[None]:
    """Its engine takes connections, and says nothing."""
    first = host.pid
    children = [int(child) for child in Path(f"/proc/{first}/task/{first}/children").read_text().split()]
    engine = next(child for child in children if Path(f"/proc/{child}/comm").read_text().strip() == "dockerd")
    os.kill(engine, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(engine, signal.SIGCONT)
