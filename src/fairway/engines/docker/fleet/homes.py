"""Which host has whose data: written down by all hosts, so that it is known while that host is lost, and afterwards.

Data that nobody knows of looks like data that never was, and a service that starts without its data starts empty.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from fairway.engines.common.shelf import Shelf
from fairway.model.environment import Environment
from fairway.model.hosts import Host, HostState

FILES = ("homes.0.json", "homes.1.json")
"""They take turns: while one is being written, the other is whole."""


class _Noted(Struct, frozen=True, kw_only=True):
    """`homes`: hosts by the names of volumes and directories."""

    sequence: int = 0
    homes: Mapping[str, str] = field(default_factory=dict)


def folder(environment: Environment) -> str:
    """Of the shelf. No environment's key has a dot."""
    return f"{environment.key}.homes"


class Homes:
    """Writers have the lease of the environment."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._turn = asyncio.Lock()
        self._noted: _Noted | None = None

    async def read(self) -> Mapping[str, str]:
        async with self._turn:
            return (await self._read()).homes

    async def note(self, data: Iterable[str], host: str) -> None:
        """The data are on that host."""
        async with self._turn:
            noted = await self._read()
            await self._write(noted, {**noted.homes, **dict.fromkeys(data, host)})

    async def forget(self, host: str) -> None:
        """Nothing of what that host had is waited for any more."""
        async with self._turn:
            noted = await self._read()
            await self._write(noted, {name: where for name, where in noted.homes.items() if where != host})

    async def clear(self) -> None:
        async with self._turn:
            await self._write(await self._read(), {})

    async def _read(self) -> _Noted:
        if self._noted is None:
            files = await self._shelf.files()
            found = [one for name in FILES if (one := _decoded(files.get(name, b"")))]
            self._noted = max(found, key=lambda one: one.sequence, default=_Noted())
        return self._noted

    async def _write(self, noted: _Noted, homes: Mapping[str, str]) -> None:
        if homes == noted.homes:
            return
        following = replace(noted, sequence=noted.sequence + 1, homes=dict(homes))
        await self._shelf.write({FILES[following.sequence % 2]: msgspec.json.encode(following)})
        self._noted = following


def _decoded(data: bytes) -> _Noted | None:
    """None where its writer was killed."""
    try:
        return msgspec.json.decode(data, type=_Noted)
    except msgspec.DecodeError:
        return None


def settled(hosts: Sequence[Host], homes: Mapping[str, str]) -> tuple[Host, ...]:
    """The hosts, with the data that is known to be there, and hosts that are no longer named while there is data on them.

    What a host that answers really holds counts more than what was written down.
    """
    there = frozenset(name for host in hosts if host.state is not HostState.LOST for name in host.volumes)
    answer = {host.name for host in hosts if host.state is not HostState.LOST}
    known = {host.name for host in hosts}
    counts = {name: where for name, where in homes.items() if where not in answer or name not in there}
    gone = [Host(name=name, state=HostState.LOST) for name in sorted({*counts.values()} - known)]
    return tuple(
        replace(host, volumes=host.volumes | {name for name, where in counts.items() if where == host.name})
        for host in (*hosts, *gone)
    )
