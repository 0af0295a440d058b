"""The authority of the gateways of a fleet is followed by another one, while they serve."""

from __future__ import annotations

from fairway.flows.context import Target
from fairway.model.errors import Refused, UsageError
from fairway.model.events import Emit, Note
from fairway.ports import Exchange


async def rotate(target: Target, exchange: Exchange | None, emit: Emit) -> None:
    """First all gateways trust both, then all have certificates of the new one, then all trust that one alone.

    Raises UsageError, Refused where not all gateways that speak with each other are within reach, Partial where one is lost on the
    way, Locked.
    """
    if exchange is None:
        raise UsageError(f"{target.environment.name} has one host: its gateway speaks with no other one")
    async with target.leases.hold(target.doing, target.wait):
        if lost := target.lost():
            raise Refused(
                f"not every gateway can be reached: {', '.join(sorted(lost))}",
                why="; ".join(f"{name}: {why}" for name, why in sorted(lost.items())),
                hint="bring them back, or give them up: docs/fleet.md",
            )
        if strangers := sorted(await exchange.strangers()):
            raise Refused(
                f"gateways of other hosts speak with these, too: {', '.join(strangers)}",
                why="another environment has some of its hosts here, and others elsewhere",
                hint="name all of them in one environment for the time of the exchange",
            )
        await target.traffic.start()
        if await exchange.begin():
            emit(Note("an exchange that was begun before goes on"))
        while done := await exchange.advance():
            emit(Note(done))
