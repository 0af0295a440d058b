"""What is known of a node, from its engine where the settings name it, else from the managers: fulfils ports.HostReader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from fairway.engines.swarm.nodes import Node
from fairway.model.errors import EngineUnreachable
from fairway.model.host_facts import HostFacts
from fairway.model.hosts import HostState
from fairway.ports import HostReader

UNTOLD = "fairway.yaml has no host for this node: the managers tell what it is, and not what runs there"


class SwarmHost(Struct, frozen=True, kw_only=True):
    """`engine` asks its own engine; None where there is no way to it."""

    node: Node
    engine: HostReader | None = None

    async def facts(self) -> HostFacts:
        if self.node.host.state is HostState.LOST:
            raise EngineUnreachable(
                f"{self.node.name} is down, the managers say",
                where=self.node.address or self.node.name,
                why=str((self.node.told.get("Status") or {}).get("Message") or ""),
                hint="look at the node; Swarm runs elsewhere what can run elsewhere",
            )
        return await self.engine.facts() if self.engine else read(self.node.told)


def read(node: Mapping[str, Any]) -> HostFacts:
    described = node.get("Description") or {}
    platform, engine = described.get("Platform") or {}, described.get("Engine") or {}
    resources = described.get("Resources") or {}
    return HostFacts(
        id=str(node["ID"]),
        hostname=str(described.get("Hostname") or ""),
        engine=str(engine.get("EngineVersion") or ""),
        os=str(platform.get("OS") or ""),
        arch=str(platform.get("Architecture") or ""),
        labels=dict(engine.get("Labels") or {}),
        cpus=resources["NanoCPUs"] / 1e9 if resources.get("NanoCPUs") else None,
        memory=resources.get("MemoryBytes"),
        clustered=True,
        unknown=dict.fromkeys(("running", "disk_used", "disk", "clock"), UNTOLD),
    )
