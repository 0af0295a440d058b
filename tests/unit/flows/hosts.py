"""A host in memory, as far as orders and questions go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from fairway.flows.context import Target
from fairway.model.orders import Order, Signal
from fairway.model.release import Record
from fairway.ports import Holder
from tests.unit.conduct.ports import MemoryEngine, MemoryTraffic
from tests.unit.rollout.parts import ENVIRONMENT
from tests.unit.rollout.world import LONG_AGO, World


@dataclass
class Host:
    """The ledger's records, who holds the lease, and the orders; `sent` are those that were given here."""

    records: tuple[Record, ...] = ()
    leader: Holder | None = None
    given: tuple[Signal, ...] = ()
    world: World = field(default_factory=World)
    sent: list[tuple[Order, int, str, int]] = field(default_factory=list)

    async def read(self) -> tuple[Record, ...]:
        return self.records

    async def holder(self) -> Holder | None:
        return self.leader

    async def send(self, order: Order, release: int, by: str, *, phase: int = 0) -> None:
        self.sent.append((order, release, by, phase))

    async def watch(self) -> AsyncIterator[tuple[Signal, ...]]:
        yield self.given

    async def clear(self) -> None:
        raise NotImplementedError

    @property
    def target(self) -> Target:
        port: Any = self
        return Target(
            environment=ENVIRONMENT,
            engine=MemoryEngine(self.world),
            traffic=MemoryTraffic(self.world),
            ledger=port,
            leases=port,
            signals=port,
            console=port,
            by="ann@desk",
            doing="approve",
            clock=lambda: LONG_AGO,
        )
