"""Removes an application from an environment; its ledger stays."""

from __future__ import annotations

from fairway.flows.context import Target
from fairway.model.edge import Showing
from fairway.model.release import promoted, under_way
from fairway.model.routes import RoutingTable


async def down(target: Target, *, volumes: bool = False) -> tuple[str, ...]:
    """The names of what was removed. The gateway forgets the routes before anything stops, and the keys of its certificates."""
    async with target.leases.hold(target.doing, target.wait):
        records = await target.ledger.read()
        if await target.traffic.observe() is not None:
            await target.traffic.apply(RoutingTable(environment=target.environment))
            if target.certifying:
                await target.certifying.edges.present(Showing())
        gone = await target.console.down(volumes=volumes)
        for release in {r.number: r for r in (under_way(records), promoted(records)) if r}.values():
            await target.ledger.conclude(release, "removed")
        return gone
