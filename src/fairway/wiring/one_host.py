"""An environment on one Docker host."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from fairway.engines.docker.console import DockerConsole
from fairway.engines.docker.engine import DockerEngine
from fairway.engines.docker.lease import DockerLeases
from fairway.engines.docker.ledger import DockerLedger
from fairway.engines.docker.shelf import DockerShelf
from fairway.engines.docker.signals import DockerSignals
from fairway.gateway.traffic import GatewayTraffic
from fairway.net.docker import connect, host_time
from fairway.net.hostimage import ensure_host_image, host_image
from fairway.wiring.edge import edge_tls
from fairway.wiring.hosts import tls_of
from fairway.wiring.parts import Parts, credentials

if TYPE_CHECKING:
    import aiodocker

    from fairway.wiring.checkout import Project


@asynccontextmanager
async def one_host(project: Project, name: str) -> AsyncIterator[Parts]:
    """Raises EngineUnreachable."""
    gateway, environment = project.settings.gateway, project.environment(name)
    [(label, host)] = project.settings.environments[name].hosts.items()
    image = gateway.image or host_image()
    async with connect(host.address, tls=tls_of(project, host)) as docker:
        clock = partial(host_time, docker)
        async with GatewayTraffic(
            docker,
            environment,
            image=gateway.image,
            http_port=gateway.http,
            where=label,
            tls=edge_tls(project),
        ) as traffic:
            yield Parts(
                builder=label,
                docker=docker,
                engine=DockerEngine(environment, docker, label, credentials=credentials),
                traffic=traffic,
                ledger=DockerLedger(
                    environment, DockerShelf(environment.key, docker, image, host=label, clock=clock), clock=clock
                ),
                leases=lambda by: DockerLeases(environment, docker, image, by, host=label, clock=clock),
                signals=DockerSignals(environment, docker, image, host=label),
                console=DockerConsole(environment, docker, label),
                clock=clock,
                prepare=lambda: _prepare(docker, gateway.image),
            )


async def _prepare(docker: aiodocker.Docker, image: str | None) -> None:
    await ensure_host_image(docker, image)
