"""The nodes of a Swarm, and which of them the settings give a way to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct

from fairway.model.errors import EngineUnreachable
from fairway.model.hosts import Host, HostState
from fairway.net.client import Docker
from fairway.net.errors import translated
from fairway.net.hosts import Hosts
from fairway.net.managers import Managers

Json = Mapping[str, Any]
SWARM = "Docker Swarm"

GONE = ("down", "disconnected")
"""States of a node that is lost."""
UNSURE = "unknown"
"""That of a node which has not yet spoken with a manager that has come to lead."""


class Node(Struct, frozen=True, kw_only=True):
    """`name` is its host name, or its id where several share that; `rank` counts from 1, in the order in which they joined."""

    id: str
    name: str
    rank: int
    address: str
    host: Host
    version: int
    told: Json
    """All that the managers say of it."""

    @property
    def spec(self) -> Json:
        spec: Json = self.told["Spec"]
        return spec

    @property
    def unsure(self) -> bool:
        return (self.told.get("Status") or {}).get("State") == UNSURE

    @property
    def ready(self) -> bool:
        return self.host.state is HostState.READY


class Nodes:
    """`members` are connections to engines of the Swarm, by the names of the settings."""

    def __init__(self, managers: Managers, members: Hosts) -> None:
        self.managers = managers
        self.members = members
        self._ids: dict[str, str] = {}

    async def all(self) -> tuple[Node, ...]:
        with translated(SWARM, "The nodes could not be listed"):
            listed = await self.managers.get("nodes")
        ordered = sorted(listed, key=lambda node: (node["CreatedAt"], node["ID"]))
        count = Counter(_hostname(node) for node in ordered)
        return tuple(_read(node, rank, shared=count[_hostname(node)] > 1) for rank, node in enumerate(ordered, 1))

    async def member(self, node: str) -> str:
        """The settings' name of the engine of a node, by its id; nothing where there is none, or it does not answer."""
        for name, docker in list(self.members.engines.items()):
            if name not in self._ids:
                with suppress(EngineUnreachable):
                    self._ids[name] = await self.members.on(name, _id(name, docker))
        return next((name for name in self.members.ready if self._ids.get(name) == node), "")

    def doubtful(self, node: str) -> bool:
        """Whether a host of the settings that does not answer may be this node."""
        return node in self._ids.values() or bool(self.members.lost.keys() - self._ids.keys())


async def _id(name: str, docker: Docker) -> str:
    with translated(name):
        info = await docker.get("info")
    return str((info.get("Swarm") or {}).get("NodeID") or "")


def _hostname(node: Json) -> str:
    return str((node.get("Description") or {}).get("Hostname") or node["ID"])


def _read(node: Json, rank: int, *, shared: bool) -> Node:
    described, status, spec = node.get("Description") or {}, node.get("Status") or {}, node["Spec"]
    platform = described.get("Platform") or {}
    name = node["ID"] if shared else _hostname(node)
    state = HostState.READY if spec.get("Availability") == "active" else HostState.DRAINED
    return Node(
        id=node["ID"],
        name=name,
        rank=rank,
        address=str(status.get("Addr") or ""),
        host=Host(
            name=name,
            hostname=_hostname(node),
            id=node["ID"],
            role=str(spec.get("Role") or "worker"),
            os=str(platform.get("OS") or "linux"),
            arch=str(platform.get("Architecture") or ""),
            labels=dict(spec.get("Labels") or {}),
            engine_labels=dict((described.get("Engine") or {}).get("Labels") or {}),
            state=HostState.LOST if status.get("State") in GONE else state,
        ),
        version=int(node["Version"]["Index"]),
        told=node,
    )
