"""What serves, what is under way, who holds the lease, and what is not as it should be."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fairway.conduct.ready import describe
from fairway.conduct.routing import seen
from fairway.flows.context import Target
from fairway.model.fleet import Fleet, Replica
from fairway.model.release import Record, Release, promoted, under_way
from fairway.ports import Holder
from fairway.rollout.course import course, moment
from fairway.rollout.lead import lead
from fairway.rollout.preview import preview


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """`share` is the part of the service's traffic that this revision gets, 0 to 1; None where nothing is routed."""

    service: str
    revision: str
    wanted: int
    up: int
    share: float | None
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """`problems` are in words; `converged` is False where another deployment would have something to do."""

    environment: str
    release: Release | None
    under_way: Release | None
    holder: Holder | None
    services: tuple[ServiceStatus, ...]
    problems: tuple[str, ...]
    converged: bool


async def status(target: Target) -> Status:
    records, fleet, live, holder = await asyncio.gather(
        target.ledger.read(), target.engine.observe(), target.traffic.observe(), target.leases.holder()
    )
    release = promoted(records)
    fleet = seen(fleet, live, release)
    return Status(
        environment=target.environment.name,
        release=release,
        under_way=under_way(records),
        holder=holder,
        services=_services(fleet, release),
        problems=tuple(_problems(fleet, records)),
        converged=not release or not preview(lead(fleet, release, course(records, release, moment(target.clock())))),
    )


def _services(fleet: Fleet, release: Release | None) -> tuple[ServiceStatus, ...]:
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
            )
        )
    return tuple(found)


def _problems(fleet: Fleet, records: tuple[Record, ...]) -> list[str]:
    problems = [f"{r.name}: {describe(r)}" for r in fleet.replicas if not r.up and not _finished(r)]
    begun = under_way(records)
    if begun:
        problems.append(
            f"release {begun.number} was begun by {begun.by} at {begun.created} and nobody has written down how it ended: "
            "`fairway deploy` goes on, `fairway rollback` leads back"
        )
    return problems


def _finished(replica: Replica) -> bool:
    return replica.state == "exited" and replica.exit_code == 0
