"""A folder of small files that an engine keeps for its environment: written whole, for their owner alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

Files = Mapping[str, bytes]
"""Contents by name."""


class Shelf(Protocol):
    """What a ledger is kept in."""

    host: str
    """For people: where it is."""

    async def files(self) -> Files:
        """All of them; none where there is no such folder, and then none is made."""

    async def has(self, name: str) -> bool:
        """Whether there is one; cheap beside reading it."""

    async def write(self, files: Files, *, new: bool = False) -> None:
        """`new`: raises EngineError where there is one already, if the shelf can tell two writers apart."""

    async def remove(self, names: Collection[str]) -> None: ...
