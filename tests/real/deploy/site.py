"""A Git checkout with an application of two services, and the fairway command in it, as a user has them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.host import Host
from tests.load.load import Load

EXAMPLE = Path(__file__).parents[3] / "examples" / "identidock" / "identidock"
HTTP_PORT = 8080
FAIRWAY = [str(Path(sys.executable).parent / "fairway")]

COMPOSE = """
services:
  web:
    build: web
    init: true
    restart: unless-stopped
    environment:
      VERSION: ${VERSION:-v1}
      BROKEN: ${BROKEN:-}
      BOOT_SECONDS: ${BOOT:-0.3}
    expose: ["9090"]
    stop_grace_period: 10s
    deploy:
      replicas: ${REPLICAS:-2}
      resources: {limits: {memory: 128M, pids: 64}}
  worker:
    image: debian:bookworm-slim
    init: true
    restart: unless-stopped
    command: ["sh", "-c", "echo working; exec sleep infinity"]
    environment: {QUEUE: "${QUEUE:-a}"}
    deploy: {resources: {limits: {memory: 32M, pids: 16}}}
"""

SETTINGS = """
app: %(app)s
test:
  unit: {service: web, command: python3 -c "print('fine')"}
environments:
  production: %(environment)s
gateway: {http: %(port)d}
services:
  web:
    route: {host: %(app)s.test, port: 9090}
    ready: {http: /up, deadline: 20s}
    rollout: {drain_timeout: 5s}
  worker:
    ready: {min_ready: 0.2s}
"""


@dataclass
class Site:
    """`variables` are what compose.yaml is filled in with; `hosts` are all that the application may run on, `host` the first."""

    directory: Path
    host: Host
    app: str
    variables: dict[str, str] = field(default_factory=dict)
    engine: str = "docker"
    hosts: Sequence[Host] = ()

    @property
    def url(self) -> str:
        return f"http://{self.host.address}:{HTTP_PORT}"

    @property
    def patience(self) -> int:
        """Seconds in which what is well is ready: a Swarm has more to do before it starts anything."""
        return 4 if self.engine == "docker" else 12

    @property
    def environment(self) -> str:
        """What fairway.yaml says of where it runs."""
        named = {f"h{number}": host.url for number, host in enumerate(self.hosts or [self.host], 1)}
        return json.dumps({"engine": self.engine, "hosts": named})

    def settings(self, template: str = SETTINGS) -> str:
        told = {"app": self.app, "url": self.host.url, "port": HTTP_PORT, "environment": self.environment}
        return template % told

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, **self.variables}

    def fairway(self, *words: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        self.variables |= variables
        done = subprocess.run(
            [*FAIRWAY, *words], cwd=self.directory, env=self.environ, capture_output=True, text=True, timeout=180
        )
        if check and done.returncode:
            raise AssertionError(f"fairway {' '.join(words)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def json(self, *words: str) -> Any:
        return json.loads(self.fairway(*words, "--json").stdout)

    def load(self, **options: Any) -> Load:
        return Load(self.url, host=f"{self.app}.test", **options)

    def containers(self) -> list[str]:
        """Names of this application's containers, the test's own included; of a Swarm, which keeps what has ended, those that run."""
        ended = [] if self.engine == "swarm" else ["-a"]
        wanted = ("ps", *ended, "--filter", f"label=fairway.app={self.app}", "--format", "{{.Names}}")
        return sorted(name for host in self.hosts or [self.host] for name in host.docker(*wanted).stdout.split())

    def running(self, service: str) -> dict[str, Host]:
        """The containers of a service that run, by their ids, and where."""
        labels = ("--filter", f"label=fairway.app={self.app}", "--filter", f"label=fairway.service={service}")
        return {
            container: host
            for host in self.hosts or [self.host]
            for container in host.docker("ps", "-q", "--no-trunc", *labels).stdout.split()
        }

    def variable(self, service: str, name: str) -> str:
        """Of the environment of a container of the service."""
        container, host = next(iter(self.running(service).items()))
        said = host.docker("inspect", container, "--format", "{{json .Config.Env}}").stdout
        return dict(item.split("=", 1) for item in json.loads(said))[name]

    def replicas(self) -> list[str]:
        return [item["name"] for item in self.json("ps", "production")]

    def start(self, *words: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
        """`before`: what runs the command, where it is not run as it is."""
        return subprocess.Popen(
            [*before, *FAIRWAY, *words],
            cwd=self.directory,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def down(self) -> None:
        self.fairway("down", "production", "--yes", "--volumes", check=False)


def make_site(
    directory: Path,
    host: Host,
    compose: str = COMPOSE,
    settings: str = SETTINGS,
    *,
    engine: str = "docker",
    hosts: Sequence[Host] = (),
) -> Site:
    """The example's own recipe, from where its packages are installed: the lab has them."""
    app = f"site-{uuid.uuid4().hex[:6]}"
    shutil.copytree(EXAMPLE, directory / "web")
    recipe = directory / "web" / "Dockerfile"
    recipe.write_text(f"FROM {host.load_tools()}\n" + recipe.read_text().partition("\n\n")[2])
    (directory / "compose.yaml").write_text(compose)
    site = Site(directory, host, app, engine=engine, hosts=hosts)
    (directory / "fairway.yaml").write_text(site.settings(settings))
    commit(directory)
    return site


def commit(directory: Path) -> None:
    """Everything in `directory`, as a new commit."""
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    if not (directory / ".git").exists():
        subprocess.run(["git", "init", "-q", "-b", "main"], cwd=directory, check=True)
    subprocess.run(["git", "add", "-A"], cwd=directory, check=True)
    subprocess.run(["git", *identity, "commit", "-q", "--allow-empty", "-m", "change"], cwd=directory, check=True)


def kill(process: subprocess.Popen[str]) -> None:
    """As a machine that is switched off: nothing is tidied up."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
