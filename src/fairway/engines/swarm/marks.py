"""Which nodes are to be empty: Swarm's own availability says so, and Swarm moves what runs there. `ports.Marks`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fairway.engines.docker.errors import explained
from fairway.engines.swarm.emptying import Emptying
from fairway.engines.swarm.nodes import SWARM, Node, Nodes
from fairway.model.errors import Refused, UsageError
from fairway.model.hosts import HostState
from fairway.net.client import DockerError

STALE = "out of sequence"


class SwarmMarks:
    """Swarm takes the tasks of a drained node out of their names, stops them two seconds later, and starts others elsewhere. So before
    it is told to, the others are there, and users have been led away from the node's gateway: `lead_away` takes a node's id."""

    def __init__(self, nodes: Nodes, emptying: Emptying, lead_away: Callable[[str], Awaitable[None]]) -> None:
        self.nodes = nodes
        self.emptying = emptying
        self.lead_away = lead_away

    async def drained(self) -> frozenset[str]:
        return frozenset(node.name for node in await self.nodes.all() if node.host.state is HostState.DRAINED)

    async def drain(self, name: str) -> None:
        node = await self._node(name)
        if node.spec.get("Availability") == "drain":
            return
        if node.host.state is HostState.LOST:
            await self._set(name, "drain")
            return
        await self._set(name, "pause")
        with explained(SWARM, f"{name} could not be emptied"):
            grown, _ = await asyncio.gather(self.emptying.grow(node.id), self.lead_away(node.id))
            await self._set(name, "drain")
            await self.emptying.shrink(node.id, grown)

    async def undrain(self, name: str) -> None:
        await self._set(name, "active")

    async def _set(self, name: str, availability: str) -> None:
        with explained(SWARM, f"{name} could not be set to {availability}"):
            while True:
                node = await self._node(name)
                try:
                    await self.nodes.managers.post(
                        f"nodes/{node.id}/update", {**node.spec, "Availability": availability}, version=node.version
                    )
                except DockerError as error:
                    if STALE not in error.message:
                        raise
                else:
                    return

    async def _node(self, name: str) -> Node:
        found = {node.name: node for node in await self.nodes.all()}
        if name not in found:
            raise UsageError(f"there is no node {name}", hint=f"the nodes: {', '.join(sorted(found))}")
        return found[name]

    async def leave(self, name: str) -> tuple[str, ...]:
        raise Refused(
            f"{name} is drained, and stays in the Swarm",
            where=SWARM,
            why="who belongs to a Swarm is decided on its nodes",
            hint=f"docker swarm leave on {name}, then docker node rm {name}",
        )

    async def data(self, name: str) -> tuple[str, ...]:
        return ()

    async def give_up(self, name: str) -> None:
        """Swarm has started elsewhere what ran there."""
        node = await self._node(name)
        if node.host.state is not HostState.LOST:
            raise UsageError(f"{name} answers: only what is dead is given up", hint=f"`fairway hosts drain {name}`")
