"""The same files on every host of a fleet. Whoever writes brings a host that was away what it has missed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fairway.engines.common.ledger_codec import newer
from fairway.engines.common.shelf import Files, Shelf
from fairway.net.hosts import Hosts


class FleetShelf:
    """`shelves` by host. Writers have the lease of most hosts, and write to all that answer: most of them know everything."""

    def __init__(self, hosts: Hosts, shelves: Mapping[str, Shelf]) -> None:
        self.hosts = hosts
        self.shelves = shelves
        self.host = ", ".join(shelves)
        self._missed: dict[str, Files] = {}

    async def files(self) -> Files:
        told = await self.hosts.each(lambda name: self.shelves[name].files())
        whole: dict[str, bytes] = {}
        for files in told.values():
            for name, data in files.items():
                whole[name] = newer(name, whole[name], data) if name in whole else data
        self._missed = {
            host: {name: data for name, data in whole.items() if files.get(name) != data}
            for host, files in told.items()
        }
        return whole

    async def has(self, name: str) -> bool:
        return any((await self.hosts.each(lambda host: self.shelves[host].has(name))).values())

    async def write(self, files: Files, *, new: bool = False) -> None:
        await self.hosts.each(lambda host: self.shelves[host].write({**self._missed.get(host, {}), **files}, new=new))
        self._missed.clear()

    async def remove(self, names: Collection[str]) -> None:
        """A host that is away brings them back when it returns, until they are removed again."""
        await self.hosts.each(lambda host: self.shelves[host].remove(names))
