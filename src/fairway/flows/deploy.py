"""Leads an environment to a release: propose, show, apply; and lead it back where that fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NoReturn

from fairway.conduct.conductor import Conductor
from fairway.conduct.journal import Journal
from fairway.conduct.orders import Orders
from fairway.conduct.routing import seen
from fairway.flows.context import Target
from fairway.flows.orders import begun_or_refused, promoted_or_refused
from fairway.model.errors import Aborted, FairwayError, Held, NotReady, Partial, ReleaseFailed, RolledBack
from fairway.model.events import Emit, Note, Output
from fairway.model.fleet import Fleet
from fairway.model.policy import Rollout
from fairway.model.release import Progress, Record, Release, Revision, promoted, under_way
from fairway.model.steps import Step, Verdict
from fairway.rollout.changes import Change, changes
from fairway.rollout.course import BACK, Course, course, moment
from fairway.rollout.lead import lead
from fairway.rollout.preview import preview
from fairway.rollout.propose import Ingredients, again, nothing, propose

LAST_LINES = 20
"""How much of the log of a replica that failed is shown."""

Propose = Callable[[tuple[Record, ...], Fleet], Release]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """`base` is what serves now (the last promoted release); `steps` is the plan, empty where nothing has to be done."""

    release: Release
    base: Release | None
    records: tuple[Record, ...]
    fleet: Fleet
    course: Course
    steps: tuple[Step, ...]

    @property
    def progress(self) -> Progress:
        """How far an earlier deployer had come with this very release."""
        known = (record.progress for record in self.records if record.release.number == self.release.number)
        return next(known, Progress())

    @property
    def changes(self) -> tuple[Change, ...]:
        """What differs from `base`, service by service."""
        return changes(self.base, self.release)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """`changed` is False where the environment already was what was asked for. `seconds` is wall time."""

    release: Release
    changed: bool
    seconds: float


def of(ingredients: Ingredients) -> Propose:
    return lambda records, fleet: propose(ingredients, records, fleet)


async def back_to(release: Release, target: Target) -> Propose:
    """The proposal that brings an earlier release back. Raises ImageNotFound where one of its images is gone."""
    await target.engine.pin({service: image.pinned for service, image in release.images.items()})
    reason = f"rollback to {release.number}"
    return lambda records, fleet: again(release, records, fleet, created=target.clock(), by=target.by, reason=reason)


async def look(target: Target, wanted: Propose) -> Proposal:
    """What would be done: nothing is changed."""
    records, fleet, live = await asyncio.gather(target.ledger.read(), target.engine.observe(), target.traffic.observe())
    release = wanted(records, fleet)
    fleet = seen(fleet, live, release)
    way = course(records, release, moment(target.clock()))
    steps = preview(lead(fleet, release, way))
    return Proposal(release=release, base=promoted(records), records=records, fleet=fleet, course=way, steps=steps)


async def deploy(target: Target, wanted: Awaitable[Propose], secrets: Mapping[str, bytes], emit: Emit) -> Deployed:
    """Raises ReleaseFailed (nothing changed), RolledBack, Partial, Locked, and what the ports and `wanted` raise."""
    began = time.monotonic()
    gathering = asyncio.ensure_future(wanted)  # while the lease is being taken
    try:
        async with target.leases.hold(target.doing, target.wait):
            proposal = await look(target, await gathering)
            changed = not _settled(proposal)
            if changed:
                await _apply(target, proposal, secrets, emit)
    finally:
        gathering.cancel()
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
    return await deploy(target, _promoted(target), secrets, emit)


async def _promoted(target: Target) -> Propose:
    return lambda records, _fleet: promoted_or_refused(target, records)


async def lead_back(target: Target, secrets: Mapping[str, bytes], emit: Emit) -> Release:
    """Lead the release that is under way back: whoever led it is gone. Raises Refused, Partial, Locked."""
    async with target.leases.hold(target.doing, target.wait):
        proposal = await look(target, await _begun(target))
        conductor = _conductor(target, proposal, proposal.release, secrets, emit)
        conductor.error, conductor.touched = Aborted(f"{target.by} has aborted the release"), True
        try:
            await _undo(target, proposal, conductor, secrets, emit)
        except (RolledBack, ReleaseFailed):
            return proposal.release


def _settled(proposal: Proposal) -> bool:
    return not proposal.steps and proposal.base == proposal.release and not under_way(proposal.records)


async def _apply(target: Target, proposal: Proposal, secrets: Mapping[str, bytes], emit: Emit) -> None:
    release = proposal.release
    opening = asyncio.create_task(_open(target, proposal))  # while the first replicas start
    orders = Orders(release.number)
    listening = asyncio.create_task(orders.follow(target.signals))
    conductor = _conductor(target, proposal, release, secrets, emit)
    conductor.opening, conductor.orders = opening, orders
    conductor.journal = Journal(
        proposal.progress, lambda progress: target.ledger.note(release, progress), proposal.course.done
    )
    try:
        verdict = await conductor.conduct(lead(proposal.fleet, release, proposal.course), proposal.fleet)
        await opening
    except FairwayError as error:  # the gateway, or the ledger, where no step has waited for it
        conductor.error, verdict = conductor.error or error, Verdict.FAILED
    except asyncio.CancelledError:
        emit(Note("interrupted: leading back to what served before (once more to stop at once)", "warning"))
        _uncancel()
        conductor.error = Aborted("interrupted")
        verdict = Verdict.FAILED
    finally:
        listening.cancel()
        await asyncio.gather(opening, listening, return_exceptions=True)
    if verdict is Verdict.PROMOTED:
        await _concluded(target, release, "promoted")
        if orders.aborted:
            emit(
                Note(
                    f"the abort came too late: release {release.number} serves; `fairway rollback` goes back", "warning"
                )
            )
        if conductor.error:
            raise Partial(
                f"release {release.number} serves, but not all that was to be done after that could be done",
                why=conductor.error.what,
                hint="`fairway deploy` again goes on from what is there",
            ) from conductor.error
        return
    await _undo(target, proposal, conductor, secrets, emit)


async def _concluded(target: Target, release: Release, outcome: str, detail: str = "") -> None:
    """Written down, and what was needed only on the way is forgotten."""
    await asyncio.gather(target.ledger.conclude(release, outcome, detail), target.signals.clear())
    if any(rollout.before or rollout.after_keep or rollout.steps for rollout in _rollouts(release)):
        await target.engine.forget(release)


def _rollouts(release: Release) -> list[Rollout]:
    return [policy.rollout for policy in release.policies.values()]


async def _open(target: Target, proposal: Proposal) -> None:
    """Write down what is about to be done, and that what somebody else had begun has ended; and see that the gateway runs."""
    begun = under_way(proposal.records)
    if begun and begun.number != proposal.release.number:
        await _concluded(target, begun, "interrupted", f"followed by release {proposal.release.number}")
    if all(record.release.number != proposal.release.number for record in proposal.records):
        await target.ledger.intend(proposal.release)
    if any(policy.route or policy.ready.http for policy in proposal.release.policies.values()):
        await target.traffic.start()


async def _undo(
    target: Target, proposal: Proposal, failed: Conductor, secrets: Mapping[str, bytes], emit: Emit
) -> NoReturn:
    """Undo is a walk to the release before, from the fleet as it now is. Always raises."""
    error = failed.error or FairwayError("the rollout failed")
    with suppress(FairwayError):  # what cannot be shown is no reason to leave it as it is
        await _show_last_lines(target, error, emit)
    base = proposal.base or nothing(proposal.release)
    conductor = _conductor(target, proposal, base, secrets, emit)
    now = await look(target, lambda _records, _fleet: base)
    stays = _stays(proposal, now.fleet, error)
    verdict = await conductor.conduct(lead(now.fleet, base, replace(BACK, warm=stays)), now.fleet)
    number = proposal.release.number
    again = "again" if failed.touched else "as before"
    serves = f"release {base.number} serves {again}" if base.number else "nothing of it is left"
    # A walk that arrived with an error could not remove something.
    if verdict is not Verdict.PROMOTED or conductor.error:
        await _concluded(target, proposal.release, "partial", error.what)
        raise Partial(
            f"release {number} failed, and so did leading back to what was before it",
            why=f"{error.what}; then: {conductor.error.what if conductor.error else 'unknown'}",
            hint="`fairway status` shows what runs; mend the cause, and `fairway deploy` again",
        ) from error
    kind: type[FairwayError]
    outcome, kind = ("rolled back", RolledBack) if failed.touched else ("failed", ReleaseFailed)
    if stays:
        outcome, kind, serves = "held", Held, f"{serves}; its own replicas stay, without traffic, to be looked at"
    await _concluded(target, proposal.release, outcome, error.what)
    raise kind(f"release {number} failed; {serves}") from error


def _stays(proposal: Proposal, fleet: Fleet, error: FairwayError) -> frozenset[Revision]:
    """What there is of a release that failed is kept, as `on_fail: hold` asks. Whoever aborts it does not want it."""
    release = proposal.release
    before = set(proposal.base.revisions.values()) if proposal.base else set()
    if isinstance(error, Aborted):
        return frozenset()
    return frozenset(
        revision
        for service, revision in release.revisions.items()
        if revision not in before and fleet.of(revision) and release.policy(service).rollout.on_fail == "hold"
    )


def _conductor(
    target: Target, proposal: Proposal, release: Release, secrets: Mapping[str, bytes], emit: Emit
) -> Conductor:
    known = tuple(record.release for record in proposal.records)
    return Conductor(
        engine=target.engine,
        traffic=target.traffic,
        release=release,
        before=(*known, proposal.release),
        secrets=secrets,
        emit=emit,
    )


async def _show_last_lines(target: Target, error: FairwayError, emit: Emit) -> None:
    if not isinstance(error, NotReady) or not error.replica:
        return
    fleet = await target.engine.observe()
    failed = [replica for replica in fleet.replicas if replica.name == error.replica]
    async for line in target.console.logs(failed, tail=LAST_LINES):
        emit(Output(line.replica.name, line.text))


def _uncancel() -> None:
    task = asyncio.current_task()
    if task:
        task.uncancel()
