"""A machine that is to become a host: what it is reached with, and who asks it afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from msgspec import Struct

from fairway import wiring
from fairway.engines.docker.hosts import DockerHost
from fairway.flows.hosts import Known
from fairway.gateway import container
from fairway.gateway.lifetime import Gateway
from fairway.model.environment import Environment
from fairway.model.errors import UsageError
from fairway.net.docker import connect
from fairway.net.errors import translated
from fairway.net.script import run
from fairway.net.ssh import SshAddress
from fairway.settings.model import GatewaySettings

NOBODY = Environment("fairway", "bootstrap")
"""No environment of any application: nothing on the host is its."""
PATIENCE = 15.0
FAILED = {
    "engine": "Docker could not be brought to run",
    "daemon": "Docker's configuration could not be changed",
    "access": "the user could not be given the right to use Docker",
    "clock": "systemd-timesyncd could not be installed",
}
SLOW = {"engine": 2400.0, "clock": 1500.0, "daemon": 150.0}
"""Seconds: packages may come over a slow line, after those of somebody else."""


class SshMachine(Struct, frozen=True, kw_only=True):
    """Fulfils ports.Machine. `settings` None: no fairway.yaml says what the gateway is like."""

    name: str
    address: str
    settings: GatewaySettings | None = None
    environment: Environment = NOBODY

    async def ask(self, step: str, values: Mapping[str, str] | None = None, *, sudo: bool = False) -> Mapping[str, str]:
        where = SshAddress.parse(self.address)
        script = "\n".join(_script(name) for name in ("common", step))
        what = FAILED.get(step, "it does not tell what it is")
        return await run(where, script, values or {}, what=what, sudo=sudo, within=SLOW.get(step, 60.0))

    async def gateway(self) -> bool:
        said = self.settings or GatewaySettings()
        async with connect(self.address) as docker:
            if self.settings is None:
                with translated(self.name):
                    found = await container.find(docker)
                if found is not None and found["State"]["Running"]:
                    return False
            gateway = Gateway(docker, self.environment, image=said.image, http_port=said.http, where=self.name)
            return await gateway.start()

    def known(self) -> Known:
        """As `fairway hosts` asks it."""
        reader = DockerHost(self.environment, self.address, None, PATIENCE)
        return Known(name=self.name, address=self.address, reader=reader, edge=True)


def machine(directory: Path, target: str, environment: str | None) -> SshMachine:
    """By its address, or by its name in an environment. Raises UsageError where it is none that ssh leads to."""
    project = wiring.project(directory) if environment is not None or _in_project(directory) else None
    if "://" in target:
        where = _ssh(target)
        if environment is not None:
            raise UsageError("an address needs no --environment", hint="name the host, or leave --environment out")
        return SshMachine(name=where.host, address=target, settings=project.settings.gateway if project else None)
    if project is None or environment is None:
        raise UsageError(
            f"where is {target!r}?",
            hint=f"`fairway hosts bootstrap ssh://user@{target}`, or say with --environment whose host it is",
        )
    if environment not in project.settings.environments:
        raise UsageError(
            f"there is no environment {environment!r} in {project.settings.file}",
            hint=f"there are: {', '.join(project.settings.environments)}",
        )
    hosts = project.settings.environments[environment].hosts
    if target not in hosts:
        raise UsageError(f"{environment} has no host {target!r}", hint=f"it has: {', '.join(hosts)}")
    _ssh(hosts[target].address)
    return SshMachine(
        name=target,
        address=hosts[target].address,
        settings=project.settings.gateway,
        environment=project.environment(environment),
    )


def _in_project(directory: Path) -> bool:
    start = directory.resolve()
    return any((place / wiring.FILE).is_file() for place in (start, *start.parents))


def _ssh(address: str) -> SshAddress:
    if not address.startswith("ssh://"):
        raise UsageError(f"{address} is not reached by ssh", hint="a host is set up through ssh://user@host")
    return SshAddress.parse(address)


def _script(name: str) -> str:
    return files("fairway.data").joinpath(f"bootstrap/{name}.sh").read_text()
