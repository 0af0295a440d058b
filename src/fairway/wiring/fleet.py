"""An environment on several Docker hosts."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fairway.engines.common.ledger import ShelfLedger
from fairway.engines.docker import images
from fairway.engines.docker.console import DockerConsole
from fairway.engines.docker.engine import DockerEngine
from fairway.engines.docker.fleet.console import FleetConsole
from fairway.engines.docker.fleet.elsewhere import Elsewhere
from fairway.engines.docker.fleet.engine import DockerFleet
from fairway.engines.docker.fleet.garbage import FleetCollector
from fairway.engines.docker.fleet.homes import Homes
from fairway.engines.docker.fleet.homes import folder as homes_folder
from fairway.engines.docker.fleet.inventory import Known
from fairway.engines.docker.fleet.leases import FleetLeases
from fairway.engines.docker.fleet.marks import Marks
from fairway.engines.docker.fleet.shelf import FleetShelf
from fairway.engines.docker.fleet.signals import FleetSignals
from fairway.engines.docker.fleet.supply import Supply
from fairway.engines.docker.garbage import DockerCollector
from fairway.engines.docker.holders import Holders
from fairway.engines.docker.keeper import Keeper
from fairway.engines.docker.lease import DockerLeases
from fairway.engines.docker.shelf import DockerShelf
from fairway.engines.docker.signals import DockerSignals
from fairway.gateway.fleet import FleetTraffic
from fairway.gateway.traffic import GatewayTraffic
from fairway.model.build import ImageRef
from fairway.model.environment import Environment
from fairway.model.errors import InvalidFiles, Problem
from fairway.model.peers import Identity
from fairway.net.docker import host_time
from fairway.net.hostimage import ensure_host_image, host_image
from fairway.net.hosts import Address, Budget, Hosts, opened
from fairway.ports import Leases
from fairway.ports.making import Archive
from fairway.render import names
from fairway.rollout.demands import demand
from fairway.rollout.seats import seats
from fairway.wiring.certificate_store import folder
from fairway.wiring.certifying import edge_parts
from fairway.wiring.hosts import tls_of
from fairway.wiring.identities import AUTHORITY, Exchange, identities
from fairway.wiring.parts import Parts, credentials, records
from fairway.wiring.pruning import archive_of, needed_in_swarm

if TYPE_CHECKING:
    from fairway.settings.model import EnvironmentSettings
    from fairway.wiring.checkout import Project


@asynccontextmanager
async def fleet(
    project: Project, name: str, *, changes: bool, repairs: bool, without: Collection[str] = ()
) -> AsyncIterator[Parts]:
    """Raises EngineUnreachable where no host answers, InvalidFiles where one has no address for the others."""
    said, gateway, environment = (
        project.settings.environments[name],
        project.settings.gateway,
        project.environment(name),
    )
    reached = _reached(project, name, said)
    addresses = {label: Address(host.address, tls_of(project, host)) for label, host in said.hosts.items()}
    image = gateway.image or host_image()
    budget = _budget(said, changes=changes, repairs=repairs)
    async with opened(addresses, budget, without=without) as hosts, AsyncExitStack() as stack:
        engines = dict(hosts.engines)
        """Those of hosts that are lost later, too."""
        supply = Supply(hosts, credentials)
        clock = partial(host_time, engines[hosts.first])
        keepers = {label: Keeper(docker, image, label) for label, docker in engines.items()}
        for keeper in keepers.values():
            stack.push_async_callback(keeper.aclose)
        shelf = partial(_shelf, hosts, keepers)
        leases = partial(_leases, hosts, keepers, clock)
        homes = Homes(shelf(homes_folder(environment)))
        edge = edge_parts(project, shelf(folder(environment)), clock)
        orders = {label: DockerSignals(environment, docker, image, host=label) for label, docker in engines.items()}

        def of_host(label: str, identity: Identity | None) -> GatewayTraffic:
            return GatewayTraffic(
                engines[label],
                environment,
                image=gateway.image,
                http_port=gateway.http,
                where=label,
                identity=identity,
                tls=edge.tls if edge and label in said.edges else None,
            )

        authority = shelf(AUTHORITY)
        async with FleetTraffic(hosts, of_host, reached, partial(identities, authority), edges=said.edges) as traffic:

            async def leave(label: str) -> tuple[str, ...]:
                await traffic.forget(label)
                return await hosts.on(label, consoles[label].down())

            marks = Marks(environment, hosts, image, leave, homes)
            engine = _engine(environment, hosts, said, supply=supply, marks=marks, image=image, homes=homes)
            consoles = {
                label: DockerConsole(environment, docker, label, engine.engines[label].files)
                for label, docker in engines.items()
            }
            yield Parts(
                builder=hosts.first,
                docker=engines[hosts.first],
                engine=engine,
                files=engine,
                traffic=traffic,
                ledger=ShelfLedger(environment, shelf(environment.key), clock=clock),
                leases=partial(leases, environment),
                records=records(environment, shelf, leases, clock),
                signals=FleetSignals(hosts, orders),
                console=FleetConsole(hosts, consoles, engine.home, homes.clear),
                clock=clock,
                by_gateway=True,
                marks=marks,
                collector=_collector(environment, hosts, keepers, image, archive_of(project)),
                exchange=Exchange(authority, lambda: _living(said, hosts), traffic.identify, traffic.strangers),
                waiting=engine.waiting,
                certifying=edge.certifying(traffic) if edge else None,
                prepare=partial(_prepare, hosts, supply, gateway.image),
                accept=hosts.accept,
                lost=lambda: {
                    label: error.why or error.what for label, error in hosts.lost.items() if label not in hosts.without
                },
            )


def _budget(said: EnvironmentSettings, *, changes: bool, repairs: bool) -> Budget:
    if not changes:
        return Budget(None)
    return Budget(said.max_lost if repairs or said.on_host_loss == "continue" else 0)


def _living(said: EnvironmentSettings, hosts: Hosts) -> tuple[str, ...]:
    return tuple(label for label in said.hosts if label not in hosts.without)


def _engine(
    environment: Environment,
    hosts: Hosts,
    said: EnvironmentSettings,
    *,
    supply: Supply,
    marks: Marks,
    image: str,
    homes: Homes,
) -> DockerFleet:
    volume = partial(names.volume, environment)
    elsewhere = Elsewhere(hosts)
    engines = {
        label: DockerEngine(
            environment, docker, label, credentials=credentials, elsewhere=elsewhere.than(label), image=image
        )
        for label, docker in hosts.engines.items()
    }
    elsewhere.files |= {label: engine.files for label, engine in engines.items()}
    return DockerFleet(
        environment,
        hosts,
        engines=engines,
        known={label: Known(name=label, labels=host.labels) for label, host in said.hosts.items()},
        place=partial(seats, volume_name=volume),
        homes=homes,
        data=lambda release, service: demand(release, service, 1, volume).data,
        supply=supply,
        marks=marks,
        holders={
            label: Holders(engine.docker, environment, label, image, networks=engine.networks)
            for label, engine in engines.items()
        },
    )


def _shelf(hosts: Hosts, keepers: Mapping[str, Keeper], folder: str) -> FleetShelf:
    return FleetShelf(hosts, {label: DockerShelf(folder, keepers[label]) for label in hosts.ready})


def _collector(
    environment: Environment, hosts: Hosts, keepers: Mapping[str, Keeper], image: str, archive: Archive | None
) -> FleetCollector:
    made = {
        label: DockerCollector(
            environment, keepers[label], image, archive, partial(needed_in_swarm, hosts.engines[label], label)
        )
        for label in hosts.ready
    }
    return FleetCollector(hosts, made)


def _leases(
    hosts: Hosts, keepers: Mapping[str, Keeper], clock: Callable[[], float], environment: Environment, by: str
) -> Leases:
    def lease(label: str, since: Callable[[], float]) -> DockerLeases:
        return DockerLeases(environment, keepers[label], by, clock=since)

    return FleetLeases(environment, hosts, lease, clock)


async def _prepare(hosts: Hosts, supply: Supply, image: str | None) -> None:
    """Made, or there, on one host; the others get it from there."""
    name = image or host_image()
    having = await supply.having(name)
    source = having[0] if having else hosts.first
    if len(having) < len(hosts.ready):
        await hosts.on(source, ensure_host_image(hosts.engines[source], image))
        found = await hosts.on(source, images.local(hosts.engines[source], source, name))
        if found:
            await supply.bring(
                ImageRef(reference=name, id=found["Id"]), [one for one in hosts.ready if one not in having]
            )


def _reached(project: Project, name: str, said: EnvironmentSettings) -> Mapping[str, str]:
    """Where the gateway of each host is found by the others. Raises InvalidFiles with every host for which it is not known."""
    found = {
        label: host.internal or _resolved(urlsplit(host.address).hostname or "") for label, host in said.hosts.items()
    }
    missing = [label for label, address in found.items() if not address]
    if missing:
        raise InvalidFiles(
            Problem(
                f"the other hosts do not know where {label} is",
                project.settings.where("environments", name, "hosts", label),
                ("environments", name, "hosts", label),
                "give it `internal: 10.0.0.12`: the IPv4 address at which they reach it",
            )
            for label in missing
        )
    return found


def _resolved(host: str) -> str:
    """Its IPv4 address; nothing where it has none that others could use."""
    try:
        address = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0] if host else ""
    except OSError:
        return ""
    return "" if not address or ip_address(address).is_loopback else str(address)
