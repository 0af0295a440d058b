"""Leads an environment to a release: propose, show, apply; and lead it back where that fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping
from contextlib import suppress

from msgspec import Struct

from fairway.conduct.journal import Journal
from fairway.conduct.orders import Orders
from fairway.flows.certificates import after_release, before_traffic
from fairway.flows.context import Target
from fairway.flows.keeping import tidy
from fairway.flows.loss import refuse_incomplete, stopped
from fairway.flows.orders import begun_or_refused, promoted_or_refused
from fairway.flows.proposal import Proposal, Propose, look
from fairway.flows.undo import concluded, conductor_of, moved, tidied, undo
from fairway.model.errors import Aborted, FairwayError, HostLost, Partial
from fairway.model.events import Emit, Note
from fairway.model.release import Release, under_way
from fairway.model.steps import Verdict
from fairway.pipeline.telling import discreet
from fairway.rollout.lead import lead

HEARING = 5.0
"""Seconds for which a release waits, at its start, for the orders that were given before it."""


class Deployed(Struct, frozen=True, kw_only=True):
    """`changed` is False where the environment already was what was asked for. `seconds` is wall time."""

    release: Release
    changed: bool
    seconds: float


async def deploy(
    target: Target, wanted: Awaitable[Propose], secrets: Mapping[str, bytes], emit: Emit, *, patient: bool = False
) -> Deployed:
    """Raises ReleaseFailed (nothing changed), RolledBack, Partial, Locked, and what the ports and `wanted` raise.

    `patient`: what has failed a moment ago, beside the release, is left to whoever comes by later.
    """
    began, emit = time.monotonic(), discreet(emit, secrets)
    gathering = asyncio.ensure_future(wanted)  # while the lease is being taken
    try:
        async with target.leases.hold(target.doing, target.wait) as lost:
            proposal = await look(target, await gathering)
            changed = not _settled(proposal)
            if changed:
                await _apply(target, proposal, secrets, emit, lost)
            elif _routed(proposal.release):
                await target.traffic.start()  # its image, its ports or its certificates may be others
            if _routed(proposal.release):
                await after_release(target, proposal.release, emit, patient=patient or proposal.release.goes_back)
    finally:
        gathering.cancel()
    refuse_incomplete(target, proposal.release, proposal.waits)
    return Deployed(release=proposal.release, changed=changed, seconds=time.monotonic() - began)


async def resume(target: Target, secrets: Mapping[str, bytes], emit: Emit) -> Deployed:
    """Go on with the release that is under way, as the ledger has it: whoever led it is gone. Raises as `deploy` does, and Refused."""
    return await deploy(target, _begun(target), secrets, emit)


async def _begun(target: Target) -> Propose:
    return lambda records, _fleet: begun_or_refused(target, records).release


async def reconcile(target: Target, secrets: Mapping[str, bytes], emit: Emit) -> Deployed:
    """Lead the fleet to the release that was promoted last: what died starts again, what is warm no longer goes.

    Raises as `deploy` does, and Refused where a release is under way, or none was promoted.
    """
    return await deploy(target, _promoted(target), secrets, emit, patient=True)


async def _promoted(target: Target) -> Propose:
    return lambda records, _fleet: promoted_or_refused(target, records)


def _settled(proposal: Proposal) -> bool:
    return not proposal.steps and proposal.base == proposal.release and not under_way(proposal.records)


def _routed(release: Release) -> bool:
    """Whether it needs the gateway."""
    return any(policy.route or policy.ready.http for policy in release.policies.values())


async def _apply(
    target: Target, proposal: Proposal, secrets: Mapping[str, bytes], emit: Emit, lost: asyncio.Event
) -> None:
    """`lost`: the lease is somebody else's; then nothing is touched any more, and nothing led back."""
    release = proposal.release
    orders = Orders(release.number)
    listening = asyncio.create_task(_listen(target, proposal, orders))
    opening = asyncio.create_task(_open(target, proposal, orders, emit))  # while the first replicas start
    conductor = conductor_of(target, proposal, proposal.led, secrets, emit)
    conductor.opening, conductor.orders, conductor.touched = opening, orders, moved(proposal)
    conductor.journal = Journal(
        proposal.progress,
        lambda progress: target.ledger.note(release, progress),
        lease=lambda: _lease(target),
        clock=lambda: target.seconds,
        done=proposal.course.done,
    )
    try:
        verdict = await conductor.conduct(lead(proposal.fleet, proposal.led, proposal.course), proposal.fleet)
        await opening
    except FairwayError as error:  # the gateway, or the ledger, where no step has waited for it
        conductor.error, verdict = conductor.error or error, Verdict.FAILED
    except asyncio.CancelledError:
        if lost.is_set():
            opening.cancel()
            raise
        emit(Note("interrupted: leading back to what served before (once more to stop at once)", "warning"))
        _uncancel()
        conductor.error = Aborted("interrupted")
        verdict = Verdict.FAILED
    finally:
        listening.cancel()
        await asyncio.gather(opening, listening, return_exceptions=True)
    if target.stops_on_loss and isinstance(conductor.error, HostLost):
        raise stopped(release, conductor.error)
    target.accept()
    if proposal.mends:
        await tidied(target, release)
        await tidy(target, proposal, emit)
        _mended(release, conductor.error)
    elif verdict is Verdict.PROMOTED:
        await concluded(target, release, "promoted")
        await tidy(target, proposal, emit)
        _promoted_with(release, orders, conductor.error, emit)
    else:
        await undo(target, proposal, conductor, secrets, emit)


def _mended(release: Release, error: FairwayError | None) -> None:
    """What was promoted stays so, whatever becomes of mending it."""
    if error:
        raise Partial(
            f"release {release.number} serves, and it is not whole",
            why=error.what,
            hint="mend the cause, and `fairway deploy` again; `fairway status` shows what runs",
        ) from error


def _promoted_with(release: Release, orders: Orders, error: FairwayError | None, emit: Emit) -> None:
    if orders.aborted:
        told = f"the abort came too late: release {release.number} serves; `fairway rollback` goes back"
        emit(Note(told, "warning"))
    if error:
        raise Partial(
            f"release {release.number} serves, but not all that was to be done after that could be done",
            why=error.what,
            hint="`fairway deploy` again goes on from what is there",
        ) from error


async def _lease(target: Target) -> str:
    holder = await target.leases.holder()
    return holder.key if holder else ""


async def _listen(target: Target, proposal: Proposal, orders: Orders) -> None:
    """Nobody orders anything of a release that was promoted: what is left of earlier orders is not for its mending."""
    if proposal.mends:
        orders.heard.set()
    else:
        await orders.follow(target.signals)


async def _open(target: Target, proposal: Proposal, orders: Orders, emit: Emit) -> None:
    """Write down what is about to be done, and that what somebody else had begun has ended; and see that the gateway runs, and
    can show a certificate at every name."""
    begun = under_way(proposal.records)
    if begun and begun.number != proposal.release.number:
        await concluded(target, begun, "interrupted", f"followed by release {proposal.release.number}")
    if all(record.release.number != proposal.release.number for record in proposal.records):
        await target.ledger.intend(proposal.release)
        if target.begins:
            await target.begins(proposal.release)
    if _routed(proposal.release):
        await target.traffic.start()
        await before_traffic(target, proposal.release, proposal.base, emit)
    with suppress(TimeoutError):
        async with asyncio.timeout(HEARING):
            await orders.heard.wait()


def _uncancel() -> None:
    task = asyncio.current_task()
    if task:
        task.uncancel()
