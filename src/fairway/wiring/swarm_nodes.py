"""The nodes of a Swarm, and who asks each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fairway.engines.docker.hosts import DockerHost
from fairway.engines.swarm.host import SwarmHost
from fairway.engines.swarm.nodes import Nodes
from fairway.flows.hosts import Known
from fairway.gateway.swarm.services import EDGE
from fairway.model.errors import EngineUnreachable
from fairway.net.hosts import Address, Budget, opened
from fairway.net.managers import Managers
from fairway.wiring.hosts import tls_of

if TYPE_CHECKING:
    from fairway.wiring.checkout import Project


async def nodes(project: Project, name: str, patience: float) -> tuple[Known, ...]:
    """All of them; none where no manager answers."""
    said, environment = project.settings.environments[name], project.environment(name)
    addresses = {label: Address(host.address, tls_of(project, host)) for label, host in said.hosts.items()}
    try:
        async with opened(addresses, Budget(None), patience / 3) as members:
            found = Nodes(Managers(members.engines, patience=patience / 3), members)
            listed = await found.all()
            ways = {node.id: await found.member(node.id) for node in listed}
    except EngineUnreachable:
        return ()
    some = any(EDGE in node.host.labels for node in listed)
    readers = {
        label: DockerHost(environment, host.address, tls_of(project, host), patience)
        for label, host in said.hosts.items()
    }
    return tuple(
        Known(
            name=node.name,
            address=said.hosts[ways[node.id]].address if ways[node.id] else node.address,
            reader=SwarmHost(node=node, engine=readers.get(ways[node.id])),
            labels=node.host.labels,
            edge=not some or node.host.labels.get(EDGE) == "true",
        )
        for node in listed
    )
