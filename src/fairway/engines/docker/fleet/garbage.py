"""What releases have left on the hosts of a fleet: `ports.Collector`."""

from __future__ import annotations

from collections.abc import Mapping

from fairway.model.garbage import Garbage, Kept
from fairway.net.hosts import Hosts
from fairway.ports import Collector


class FleetCollector:
    """`collectors` by host."""

    def __init__(self, hosts: Hosts, collectors: Mapping[str, Collector]) -> None:
        self.hosts = hosts
        self.collectors = collectors

    async def find(self, kept: Kept) -> tuple[Garbage, ...]:
        told = await self.hosts.each(lambda host: self.collectors[host].find(kept))
        return tuple(sorted(garbage for found in told.values() for garbage in found))

    async def remove(self, garbage: Garbage) -> bool:
        told = await self.hosts.each(lambda host: self.collectors[host].remove(garbage), [garbage.where])
        return bool(told.get(garbage.where))
