"""What separates a fleet from a release, service by service."""

from __future__ import annotations

from dataclasses import dataclass

from fairway.model.fleet import Fleet, Replica, State, Weights
from fairway.model.release import Release, Revision


@dataclass(frozen=True, slots=True)
class Move:
    """One service on its way: `new` needs `replicas`; `old` are the other revisions with how many of each run, newest first."""

    service: str
    new: Revision
    replicas: int
    present: int
    """Replicas of `new` that are there and fine."""
    surplus: int
    """Replicas of `new` beyond those that are wanted."""
    old: tuple[tuple[Revision, int], ...]
    surge: int
    recreate: bool
    job: bool
    """Ends by itself: it is awaited by its exit status, not by its health."""
    settled: bool
    """Nothing else of the service runs, and the gateway sends it what it should: its readiness has been seen."""

    @property
    def grows(self) -> bool:
        return self.present < self.replicas or not self.settled

    @property
    def done(self) -> bool:
        return not self.grows and not self.surplus

    def batch(self, number: int) -> int:
        """How many new replicas there are once batch `number` (from 1) is up; what is there already is never taken back."""
        return min(self.replicas, max(self.present, self.surge * number))

    @property
    def batches(self) -> int:
        return max(1, -(-self.replicas // self.surge)) if self.grows else 1

    def keep(self, new: int) -> tuple[tuple[Revision, int], ...]:
        """What stays of the old revisions while `new` new replicas serve: together never fewer than are wanted."""
        spare = max(0, self.replicas - new)
        kept = []
        for revision, count in self.old:
            stays = min(count, spare)
            spare -= stays
            kept.append((revision, stays))
        return tuple(kept)


def moves(fleet: Fleet, release: Release) -> tuple[Move, ...]:
    """One Move for each service of the release that is not yet as it should be."""
    weights = target_weights(release)
    found = (
        _move(fleet, release, service, settled=fleet.weights.get(service) == weights.get(service))
        for service in sorted(release.revisions)
    )
    return tuple(move for move in found if not move.done)


def strays(fleet: Fleet, release: Release) -> tuple[Revision, ...]:
    """Revisions of services that the release no longer has."""
    return tuple(revision for revision in fleet.revisions() if revision.service not in release.revisions)


def target_weights(release: Release) -> Weights:
    """All traffic of each routed service to its revision in this release."""
    return {
        service: {revision.name: max(1, release.replicas(service))}
        for service, revision in sorted(release.revisions.items())
        if release.policy(service).route and release.replicas(service)
    }


def is_job(release: Release, service: str) -> bool:
    """Whether somebody waits for this service to end."""
    return any(
        dependency.condition == "service_completed_successfully"
        for other in release.app.services.values()
        for name, dependency in other.depends_on.items()
        if name == service
    )


def _move(fleet: Fleet, release: Release, service: str, *, settled: bool) -> Move:
    new = release.revisions[service]
    replicas = release.replicas(service)
    rollout = release.policy(service).rollout
    job = is_job(release, service)
    mine = fleet.of(new)
    present = sum(_fine(replica, job) for replica in mine if replica.index <= replicas)
    others = [revision for revision in reversed(fleet.revisions(service)) if revision != new]
    old = tuple((revision, len(fleet.of(revision))) for revision in others)
    protects = any(replica.up for revision, _ in old for replica in fleet.of(revision))
    return Move(
        service=service,
        new=new,
        replicas=replicas,
        present=present,
        surplus=sum(replica.index > replicas for replica in mine),
        old=old,
        surge=max(1, replicas if rollout.surge is None or not protects else rollout.surge),
        recreate=rollout.strategy == "recreate" and bool(old),
        job=job,
        settled=settled and not old,
    )


def _fine(replica: Replica, job: bool) -> bool:
    finished = job and replica.state is State.EXITED and replica.exit_code == 0
    return replica.up or finished
