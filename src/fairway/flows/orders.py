"""Orders to a rollout, from any machine; and what is done where nobody is left to follow them."""

from __future__ import annotations

import asyncio

from msgspec import Struct

from fairway.conduct.orders import Orders
from fairway.conduct.together import first
from fairway.flows.context import Target
from fairway.model.errors import Refused
from fairway.model.orders import Order
from fairway.model.release import Progress, Record, Release, promoted, under_way
from fairway.ports import Holder


class Ordered(Struct, frozen=True, kw_only=True):
    """`follower` is who holds the lease, and will follow the order where it leads this release; None where nobody holds it.

    `leads`: whether it does for certain: it has entered the phase. Another one may be about to begin something else.
    """

    release: Release
    progress: Progress
    follower: Holder | None

    @property
    def leads(self) -> bool:
        return self.follower is not None and self.follower.key == self.progress.lease


async def send(target: Target, order: Order) -> Ordered:
    """Raises Refused where no release is under way, or the order means nothing where it stands."""
    records, holder = await asyncio.gather(target.ledger.read(), target.leases.holder())
    begun = begun_or_refused(target, records)
    phase = begun.progress.phase
    if order is Order.APPROVE:
        _refuse_unasked(begun, phase)
        await _refuse_again(target, begun, phase)
    await target.signals.send(order, begun.release.number, target.by, phase=phase if order is Order.APPROVE else 0)
    return Ordered(release=begun.release, progress=begun.progress, follower=holder)


def begun_or_refused(target: Target, records: tuple[Record, ...]) -> Record:
    """The release that is under way. Raises Refused where there is none."""
    begun = under_way(records)
    if begun is None:
        serves = promoted(records)
        raise Refused(
            f"no release is under way in {target.environment.name}",
            why=f"release {serves.number} serves" if serves else "nothing has been deployed",
            hint="`fairway rollback` brings an earlier one back" if serves else "",
        )
    return next(record for record in records if record.release == begun)


def promoted_or_refused(target: Target, records: tuple[Record, ...]) -> Release:
    """The release that was promoted last. Raises Refused where there is none, or where another is under way, or held."""
    serves, begun = promoted(records), under_way(records)
    newest = max(records, key=lambda record: record.release.number, default=None)
    if newest and newest.outcome == "held":
        raise Refused(
            f"release {newest.release.number} is held in {target.environment.name}, to be looked at",
            hint="`fairway deploy`, or `fairway rollback`, removes its replicas",
        )
    if begun:
        raise Refused(
            f"release {begun.number} is under way in {target.environment.name}",
            hint="`fairway resume` goes on, `fairway abort` leads back",
        )
    if serves is None:
        raise Refused(f"nothing has been deployed to {target.environment.name}", hint="`fairway ship` does that")
    return serves


async def _refuse_again(target: Target, begun: Record, phase: int) -> None:
    given = Orders(begun.release.number)
    given.take(await first(target.signals.watch()))
    if said := given.approved(phase):
        raise Refused(f"phase {phase} of release {begun.release.number} has been approved already, by {said.by}")


def _refuse_unasked(begun: Record, phase: int) -> None:
    number = begun.release.number
    steps = [policy.rollout.steps for policy in begun.release.policies.values()]
    if not any(0 < phase <= len(phases) and phases[phase - 1].approve for phases in steps):
        where = f"is in phase {phase}, which" if phase else "has come to no phase yet, and"
        raise Refused(
            f"release {number} waits for no approval", why=f"it {where} asks for none", hint="`fairway status` shows it"
        )
