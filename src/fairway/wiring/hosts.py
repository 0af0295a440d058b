"""The hosts of an environment: which there are, and what they are reached with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fairway.model.errors import UsageError
from fairway.net.tls import Tls
from fairway.settings.model import Host

if TYPE_CHECKING:
    from fairway.flows.hosts import Known
    from fairway.wiring.checkout import Project


async def known(project: Project, name: str, patience: float) -> tuple[Known, ...]:
    """All hosts of an environment; `patience`: the seconds that each has to tell what it is."""
    if project.settings.environments[name].engine == "swarm":
        from fairway.wiring.swarm_nodes import nodes

        if found := await nodes(project, name, patience):
            return found
    return named(project, name, patience)


def named(project: Project, name: str, patience: float) -> tuple[Known, ...]:
    """Those that the settings name."""
    from fairway.engines.docker.hosts import DockerHost
    from fairway.flows.hosts import Known

    said = project.settings.environments[name]
    environment = project.environment(name)
    return tuple(
        Known(
            name=label,
            address=host.address,
            reader=DockerHost(environment, host.address, tls_of(project, host), patience),
            labels=host.labels,
            edge=label in said.edges,
        )
        for label, host in said.hosts.items()
    )


def tls_of(project: Project, host: Host) -> Tls | None:
    if host.tls is None:
        return None
    ca, cert, key = (project.directory / file for file in (host.tls.ca, host.tls.cert, host.tls.key))
    return Tls(ca=ca, cert=cert, key=key)


def tls_directory(project: Project, host: Host) -> Path | None:
    """Docker's command line finds the files by their names in one directory."""
    tls = tls_of(project, host)
    if tls is None:
        return None
    files = [tls.ca, tls.cert, tls.key]
    if [file.name for file in files] != ["ca.pem", "cert.pem", "key.pem"] or len({file.parent for file in files}) > 1:
        raise UsageError(
            "the docker command line needs ca.pem, cert.pem and key.pem in one directory to build over TLS",
            where=host.address,
        )
    return files[0].parent
