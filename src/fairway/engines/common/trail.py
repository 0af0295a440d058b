"""The audit trail of an environment, beside its ledger: `ports.Trail`. One file a line; none is ever overwritten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from fairway.attest import chain
from fairway.engines.common.ledger_codec import sealed
from fairway.engines.common.shelf import Shelf
from fairway.model.audit import Entry, Line, Sealed
from fairway.ports import Leases

PATIENCE = 15.0
"""Seconds to wait for somebody else who writes a line."""


class ShelfTrail:
    """`leases` are of the trail alone: who is refused an environment writes that down while another one holds it."""

    def __init__(self, shelf: Shelf, ledger: Shelf, leases: Leases, *, clock: Callable[[], float]) -> None:
        self.shelf = shelf
        self.ledger = ledger
        self.leases = leases
        self.clock = clock

    async def head(self) -> str:
        return chain.head(await self.shelf.files())

    async def append(self, entry: Entry) -> Line:
        async with self.leases.hold("audit", PATIENCE):
            files, releases = await self.read()
            at = datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            line = chain.following(files, entry, at, releases)
            await self.shelf.write({chain.name(line.number): chain.encode(line)})
        return line

    async def read(self) -> tuple[Mapping[str, bytes], tuple[Sealed, ...]]:
        files, ledger = await asyncio.gather(self.shelf.files(), self.ledger.files())
        return files, sealed(ledger)
