"""The example with nothing in its Compose file that makes it safe, in a Git checkout of its own, for `hardening: strict`."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.lab.host import Host
from tests.real.deploy.site import Site, commit

UNSAFE = re.compile(r"  (read_only|tmpfs|cap_drop|security_opt): .*\n")
MORE = """
  plain:
    image: debian:bookworm-slim
    command: [sleep, infinity]
    init: true
    secrets: [{source: token, mode: 0400}]
  rooted:
    image: debian:bookworm-slim
    command: [sleep, infinity]
    init: true
    volumes: ["pictures:/data"]

secrets:
  token: {file: token}

volumes:"""
TESTED = """
  plain: {service: plain, command: "sh -c 'test $(id -u) = 65532 && ! touch /x'"}

environments:"""


def make_strict(example: Path, directory: Path, host: Host, app: str) -> Site:
    """Two services more: one that is anybody, and one that has to stay root."""
    shutil.copytree(example, directory)
    compose = UNSAFE.sub("", (directory / "compose.yaml").read_text())
    compose = re.sub(r", pids: \d+", "", compose).replace("\nvolumes:", MORE, 1)
    (directory / "compose.yaml").write_text(compose)
    settings = (directory / "fairway.yaml").read_text().replace("unix:///var/run/docker.sock", host.url)
    settings = re.sub(r"  (unit|paint): .*\n", "", settings).replace(", paint", "").replace("[unit, ", "[")
    settings = settings.replace("app: identidock", f"app: {app}").replace("\nenvironments:", TESTED, 1)
    (directory / "fairway.yaml").write_text(settings)
    token = directory / "token"
    token.write_text("hush")
    token.chmod(0o600)
    commit(directory)
    return Site(directory, host, app)
