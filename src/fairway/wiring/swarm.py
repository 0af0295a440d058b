"""An environment on a Docker Swarm: any of its managers will do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from fairway.engines.common.ledger import ShelfLedger
from fairway.engines.docker import images
from fairway.engines.docker.fleet.supply import Supply
from fairway.engines.docker.keeper import Keeper
from fairway.engines.swarm.console import SwarmConsole
from fairway.engines.swarm.emptying import Emptying
from fairway.engines.swarm.engine import SwarmEngine
from fairway.engines.swarm.garbage import SwarmCollector
from fairway.engines.swarm.lease import SwarmLeases
from fairway.engines.swarm.marks import SwarmMarks
from fairway.engines.swarm.sealed import SealedShelf
from fairway.engines.swarm.shelf import RaftShelf
from fairway.engines.swarm.signals import SwarmSignals
from fairway.gateway.swarm.courier import Courier
from fairway.gateway.swarm.exchange import SwarmExchange
from fairway.gateway.swarm.traffic import SwarmTraffic
from fairway.model.build import ImageRef
from fairway.model.environment import Environment
from fairway.net.docker import host_time
from fairway.net.hostimage import ensure_host_image, host_image
from fairway.net.hosts import Address, Budget, Hosts, opened
from fairway.net.managers import Managers
from fairway.ports import Leases
from fairway.wiring.certificate_store import folder
from fairway.wiring.certifying import edge_parts
from fairway.wiring.hosts import tls_of
from fairway.wiring.parts import Parts, credentials, records
from fairway.wiring.pruning import archive_of

if TYPE_CHECKING:
    from fairway.wiring.checkout import Project


@asynccontextmanager
async def swarm(project: Project, name: str, *, without: Collection[str] = ()) -> AsyncIterator[Parts]:
    """Raises EngineUnreachable where no host answers. A manager that is lost is passed over: the others have all that it had."""
    said, gateway, environment = (
        project.settings.environments[name],
        project.settings.gateway,
        project.environment(name),
    )
    addresses = {label: Address(host.address, tls_of(project, host)) for label, host in said.hosts.items()}
    image = gateway.image or host_image()
    async with opened(addresses, Budget(None), without=without) as members, AsyncExitStack() as stack:
        keepers = {label: Keeper(docker, image, label) for label, docker in members.engines.items()}
        for keeper in keepers.values():
            stack.push_async_callback(keeper.aclose)
        managers = Managers(members.engines)
        supply = Supply(members, credentials)
        clock = partial(_time, managers)
        shelf = partial(RaftShelf, managers=managers)
        leases = partial(_leases, managers, clock)
        engine = SwarmEngine(environment, managers, members, supply=supply, credentials=credentials)
        courier = Courier(managers)
        sealed = SealedShelf(shelf(folder(environment)), courier.seal)  # certificates have their keys with them
        edge = edge_parts(project, sealed, clock)
        async with (
            courier,
            SwarmTraffic(
                managers,
                environment,
                courier,
                image=image,
                http_port=gateway.http,
                tls=edge.tls if edge else None,
                seats=engine.observe,
            ) as traffic,
        ):
            yield Parts(
                builder=members.first,
                docker=members.engines[members.first],
                engine=engine,
                files=engine,
                traffic=traffic,
                ledger=ShelfLedger(environment, shelf(environment.key), clock=clock),
                leases=partial(leases, environment),
                records=records(environment, shelf, leases, clock),
                signals=SwarmSignals(environment, managers),
                console=SwarmConsole(engine),
                clock=clock,
                marks=SwarmMarks(engine.nodes, Emptying(engine.services, environment), traffic.lead_away),
                collector=SwarmCollector(
                    environment, engine.services, members, keepers, image=image, archive=archive_of(project)
                ),
                prepare=partial(_prepare, members, supply, gateway.image),
                certifying=edge.certifying(traffic) if edge else None,
                passed_over=lambda: {label: error.why or error.what for label, error in members.lost.items()},
                exchange=SwarmExchange(traffic),
            )


def _time(managers: Managers) -> float:
    return host_time(managers.docker)


def _leases(managers: Managers, clock: Callable[[], float], environment: Environment, by: str) -> Leases:
    return SwarmLeases(environment, managers, by, clock=clock)


async def _prepare(members: Hosts, supply: Supply, image: str | None) -> None:
    """Fairway's own image: made, or there, on one of the hosts; the others get it from there."""
    name = image or host_image()
    having = await supply.having(name)
    source = having[0] if having else members.first
    if len(having) < len(members.ready):
        await members.on(source, ensure_host_image(members.engines[source], image))
        found = await members.on(source, images.local(members.engines[source], source, name))
        if found:
            lacking = [one for one in members.ready if one not in having]
            await supply.bring(ImageRef(reference=name, id=found["Id"]), lacking)
