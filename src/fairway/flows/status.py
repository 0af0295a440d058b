"""What serves, what is under way, who holds the lease, and what is not as it should be."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from msgspec import Struct

from fairway.conduct.orders import Orders
from fairway.conduct.ready import describe
from fairway.conduct.routing import seen
from fairway.conduct.together import first
from fairway.flows.certificates_known import overview
from fairway.flows.context import Target
from fairway.flows.loss import waits_for
from fairway.flows.proposal import resting
from fairway.model.fleet import Fleet, Replica
from fairway.model.release import Progress, Record, Release, Revision, promoted, under_way
from fairway.ports import Holder
from fairway.rollout.course import BACK, course
from fairway.rollout.lead import lead
from fairway.rollout.preview import preview


class ServiceStatus(Struct, frozen=True, kw_only=True):
    """`share` is the part of the service's traffic that this revision gets, 0 to 1; None where nothing is routed."""

    service: str
    revision: str
    wanted: int
    up: int
    share: float | None
    current: bool
    warm: bool = False
    """Stays without traffic, so that going back to it is instant."""


class UnderWay(Struct, frozen=True, kw_only=True):
    """A release on its way: `progress` as its deployer has written it down, `phases` how many it goes through."""

    release: Release
    progress: Progress
    phases: int
    approve: bool
    """Whether the phase that it is in asks for an approval."""
    paused_by: str = ""

    @property
    def number(self) -> int:
        return self.release.number


class Status(Struct, frozen=True, kw_only=True):
    """`problems` are in words; `converged` is False where another deployment would have something to do.

    `now` is the environment's own time, in seconds since the epoch, as all other times are.
    """

    environment: str
    now: float
    release: Release | None
    under_way: UnderWay | None
    holder: Holder | None
    services: tuple[ServiceStatus, ...]
    problems: tuple[str, ...]
    converged: bool


async def status(target: Target) -> Status:
    records, fleet, live, holder = await asyncio.gather(
        target.ledger.read(), target.engine.observe(), target.traffic.observe(), target.leases.holder()
    )
    release = promoted(records)
    waits = await target.waiting(release) if release else {}
    certificates = (await overview(target)).problems if release else ()
    fleet = seen(fleet, live, release)
    now = target.seconds
    way = course(records, release, now) if release else BACK
    return Status(
        environment=target.environment.name,
        now=now,
        release=release,
        under_way=await _under_way(target, records),
        holder=holder,
        services=_services(fleet, release, way.warm),
        problems=(
            *_lost(target),
            *([waits_for(waits)] if waits else []),
            *_problems(fleet, records, holder),
            *certificates,
        ),
        converged=not release or not preview(lead(fleet, resting(release, waits), way)),
    )


async def _under_way(target: Target, records: tuple[Record, ...]) -> UnderWay | None:
    begun = under_way(records)
    if begun is None:
        return None
    progress = next(record.progress for record in records if record.release == begun)
    orders = Orders(begun.number)
    orders.take(await first(target.signals.watch()))
    steps = [policy.rollout.steps for policy in begun.policies.values()]
    return UnderWay(
        release=begun,
        progress=progress,
        phases=max(map(len, steps), default=0),
        approve=not orders.approved(progress.phase)
        and any(0 < progress.phase <= len(phases) and phases[progress.phase - 1].approve for phases in steps),
        paused_by=orders.paused.by if orders.paused else "",
    )


def _services(fleet: Fleet, release: Release | None, warm: Collection[Revision]) -> tuple[ServiceStatus, ...]:
    wanted = dict(release.revisions) if release else {}
    revisions = {*fleet.revisions(), *wanted.values()}
    found = []
    for revision in sorted(revisions, key=lambda r: (r.service, -r.release)):
        shares = fleet.weights.get(revision.service)
        total = sum(shares.values()) if shares else 0
        current = wanted.get(revision.service) == revision
        found.append(
            ServiceStatus(
                service=revision.service,
                revision=revision.name,
                wanted=release.replicas(revision.service) if release and current else 0,
                up=sum(replica.up for replica in fleet.of(revision)),
                share=shares.get(revision.name, 0) / total if shares and total else None,
                current=current,
                warm=revision in warm,
            )
        )
    return tuple(found)


def _lost(target: Target) -> list[str]:
    return [f"{name} does not answer: {why}" for name, why in sorted(target.lost().items())]


def _problems(fleet: Fleet, records: tuple[Record, ...], holder: Holder | None) -> list[str]:
    problems = [f"{r.name}: {describe(r)}" for r in fleet.replicas if not r.up and not _finished(r)]
    begun = under_way(records)
    if begun and not holder:
        problems.append(
            f"release {begun.number} was begun by {begun.by} at {begun.created} and nobody leads it: "
            "`fairway resume` goes on, `fairway abort` leads back"
        )
    return problems


def _finished(replica: Replica) -> bool:
    return replica.state == "exited" and replica.exit_code == 0
