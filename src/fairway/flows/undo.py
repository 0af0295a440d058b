"""Leads an environment back to the release that served before, from the fleet as it then is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import NoReturn

from msgspec.structs import replace

from fairway.conduct.conductor import Conductor
from fairway.conduct.drain import Leaving
from fairway.flows.context import Target
from fairway.flows.ingredients import matching
from fairway.flows.keeping import tidy
from fairway.flows.orders import begun_or_refused
from fairway.flows.proposal import Proposal, look
from fairway.model.errors import Aborted, FairwayError, Held, NotReady, Partial, ReleaseFailed, RolledBack
from fairway.model.events import Emit, Note, Output
from fairway.model.fleet import Fleet
from fairway.model.release import Release, Revision
from fairway.model.steps import Verdict
from fairway.rollout.course import BACK
from fairway.rollout.course import warm as still_warm
from fairway.rollout.lead import lead
from fairway.rollout.propose import nothing

LAST_LINES = 20
"""How much of the log of a replica that failed is shown."""


async def lead_back(target: Target, secrets: Mapping[str, bytes], emit: Emit) -> Release:
    """Lead the release that is under way back: whoever led it is gone. Raises Refused, Partial, Locked."""
    async with target.leases.hold(target.doing, target.wait):
        proposal = await look(target, lambda records, _fleet: begun_or_refused(target, records).release)
        conductor = conductor_of(target, proposal, proposal.release, secrets, emit)
        conductor.error, conductor.touched = Aborted(f"{target.by} has aborted the release"), moved(proposal)
        try:
            await undo(target, proposal, conductor, secrets, emit)
        except (RolledBack, ReleaseFailed):
            return proposal.release


async def undo(
    target: Target, proposal: Proposal, failed: Conductor, secrets: Mapping[str, bytes], emit: Emit
) -> NoReturn:
    """Undo is a walk to the release before, from the fleet as it now is. Always raises."""
    error = failed.error or FairwayError("the rollout failed")
    with suppress(FairwayError):  # what cannot be shown is no reason to leave it as it is
        await _show_last_lines(target, error, emit)
    base = proposal.base or nothing(proposal.release)
    now = await look(target, lambda _records, _fleet: base)
    conductor = conductor_of(target, proposal, now.led, await _values(target, base, secrets), emit)
    stays = _stays(proposal, now.fleet, error)
    warm = stays | still_warm(now.records, base, target.seconds)
    verdict = await conductor.conduct(lead(now.fleet, now.led, replace(BACK, warm=warm)), now.fleet)
    await tidy(target, proposal, emit, failed=True)
    number = proposal.release.number
    again = "again" if failed.touched else "as before"
    serves = f"release {base.number} serves {again}" if base.number else "nothing of it is left"
    # A walk that arrived with an error could not remove something.
    if verdict is not Verdict.PROMOTED or conductor.error:
        await _concluded_if_possible(target, proposal.release, "partial", error.what, emit)
        raise Partial(
            f"release {number} failed, and so did leading back to what was before it",
            why=f"{error.what}; then: {conductor.error.what if conductor.error else 'unknown'}",
            hint="`fairway status` shows what runs; mend the cause, and `fairway deploy` again",
        ) from error
    kind: type[FairwayError]
    outcome, kind = ("rolled back", RolledBack) if failed.touched else ("failed", ReleaseFailed)
    if stays:
        outcome, kind, serves = "held", Held, f"{serves}; its own replicas stay, without traffic, to be looked at"
    await _concluded_if_possible(target, proposal.release, outcome, error.what, emit)
    raise kind(f"release {number} failed; {serves}") from error


async def _values(target: Target, base: Release, secrets: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Those of `base`: what the release that failed has in common with it, and what else can be had of its own."""
    same = await matching(base, secrets)
    return same if base.secrets.keys() <= same.keys() else {**await target.values(base), **same}


def _stays(proposal: Proposal, fleet: Fleet, error: FairwayError) -> frozenset[Revision]:
    """What there is of a release that failed is kept, without traffic, as `on_fail: hold` asks: nobody works beside the base.

    Whoever aborts it does not want it.
    """
    release, base = proposal.release, proposal.base
    if base is None or isinstance(error, Aborted):
        return frozenset()
    return frozenset(
        revision
        for service, revision in release.revisions.items()
        if revision not in base.revisions.values() and fleet.of(revision) and _may_stay(release, base, service)
    )


def _may_stay(release: Release, base: Release, service: str) -> bool:
    """Only what gets its work from the gateway, and can stand beside the one that serves."""
    policy = release.policy(service)
    apart = policy.rollout.strategy != "recreate" and base.policy(service).rollout.strategy != "recreate"
    return policy.rollout.on_fail == "hold" and bool(policy.route) and apart and service in base.revisions


def conductor_of(
    target: Target, proposal: Proposal, release: Release, secrets: Mapping[str, bytes], emit: Emit
) -> Conductor:
    before = (*(record.release for record in proposal.records), proposal.release)
    return Conductor(
        engine=target.engine,
        traffic=target.traffic,
        metrics=target.metrics,
        release=release,
        before=before,
        secrets=secrets,
        emit=emit,
        leaving=Leaving(target.engine, target.traffic, release, before, emit),
    )


def moved(proposal: Proposal) -> bool:
    """Whether what served before has been touched already: an earlier deployer had come so far."""
    base, fleet = proposal.base, proposal.fleet
    before = base.revisions if base else {}
    known = {revision.name for revision in before.values()}
    shares = [name for parts in fleet.weights.values() for name, share in parts.items() if share]
    steered = any(steering.match for steering in fleet.steering.values())
    phases = [policy.rollout.steps[: proposal.progress.phase] for policy in proposal.release.policies.values()]
    given = any(phase.traffic or phase.match for entered in phases for phase in entered)
    gone = base and any(len(fleet.of(before[service])) < base.replicas(service) for service in before)
    return steered or given or bool(gone) or any(name not in known for name in shares)


async def concluded(target: Target, release: Release, outcome: str, detail: str = "") -> None:
    """Written down, and what was needed only on the way is forgotten."""
    await asyncio.gather(target.ledger.conclude(release, outcome, detail), tidied(target, release))


async def _concluded_if_possible(target: Target, release: Release, outcome: str, detail: str, emit: Emit) -> None:
    """Why the release failed matters more than what cannot be written down: a full disk may be the reason for both."""
    try:
        await concluded(target, release, outcome, detail)
    except FairwayError as error:
        emit(Note(f"release {release.number} stays under way in the ledger: {error.where}: {error.what}", "warning"))


async def tidied(target: Target, release: Release) -> None:
    """Its orders are followed, and its jobs are done, those that it owed for earlier ones, too: nothing of them is needed."""
    await asyncio.gather(target.signals.clear(), target.engine.forget(release))


async def _show_last_lines(target: Target, error: FairwayError, emit: Emit) -> None:
    if not isinstance(error, NotReady) or not error.replica:
        return
    fleet = await target.engine.observe()
    failed = [replica for replica in fleet.replicas if replica.name == error.replica]
    async for line in target.console.logs(failed, tail=LAST_LINES):
        emit(Output(line.replica.name, line.text))
