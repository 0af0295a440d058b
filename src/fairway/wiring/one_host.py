"""An environment on one Docker host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from fairway.engines.common.ledger import ShelfLedger
from fairway.engines.docker.console import DockerConsole
from fairway.engines.docker.engine import DockerEngine
from fairway.engines.docker.garbage import DockerCollector
from fairway.engines.docker.keeper import Keeper
from fairway.engines.docker.lease import DockerLeases
from fairway.engines.docker.shelf import DockerShelf
from fairway.engines.docker.signals import DockerSignals
from fairway.gateway.traffic import GatewayTraffic
from fairway.model.environment import Environment
from fairway.net.docker import connect, host_time
from fairway.net.hostimage import ensure_host_image, host_image
from fairway.wiring.certificate_store import folder
from fairway.wiring.certifying import edge_parts
from fairway.wiring.hosts import tls_of
from fairway.wiring.parts import Parts, credentials, records
from fairway.wiring.pruning import archive_of, needed_in_swarm

if TYPE_CHECKING:
    from fairway.net.client import Docker
    from fairway.wiring.checkout import Project


@asynccontextmanager
async def one_host(project: Project, name: str) -> AsyncIterator[Parts]:
    """Raises EngineUnreachable."""
    gateway, environment = project.settings.gateway, project.environment(name)
    [(label, host)] = project.settings.environments[name].hosts.items()
    image = gateway.image or host_image()
    async with connect(host.address, tls=tls_of(project, host)) as docker:
        clock = partial(host_time, docker)

        def leases(of: Environment, by: str) -> DockerLeases:
            return DockerLeases(of, keeper, by, clock=clock)

        async with aclosing(Keeper(docker, image, label)) as keeper, AsyncExitStack() as stack:
            shelf = partial(DockerShelf, keeper=keeper)
            edge = edge_parts(project, shelf(folder(environment)), clock)
            traffic = await stack.enter_async_context(
                GatewayTraffic(
                    docker,
                    environment,
                    image=gateway.image,
                    http_port=gateway.http,
                    where=label,
                    tls=edge.tls if edge else None,
                )
            )
            engine = DockerEngine(environment, docker, label, credentials=credentials, image=image)
            yield Parts(
                builder=label,
                docker=docker,
                engine=engine,
                files=engine,
                traffic=traffic,
                ledger=ShelfLedger(environment, shelf(environment.key), clock=clock),
                leases=partial(leases, environment),
                records=records(environment, shelf, leases, clock),
                signals=DockerSignals(environment, docker, image, host=label),
                console=DockerConsole(environment, docker, label, engine.files),
                clock=clock,
                prepare=partial(_prepare, docker, gateway.image, keeper),
                collector=DockerCollector(
                    environment, keeper, image, archive_of(project), partial(needed_in_swarm, docker, label)
                ),
                certifying=edge.certifying(traffic) if edge else None,
            )


async def _prepare(docker: Docker, image: str | None, keeper: Keeper) -> None:
    await asyncio.gather(ensure_host_image(docker, image), keeper.wake())
