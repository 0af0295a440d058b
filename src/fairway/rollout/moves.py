"""What separates a fleet from a release, service by service.

A revision's replicas are counted by rank: "n of them" are always its n lowest-numbered ones, as an engine counts.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

from fairway.model.fleet import Fleet, Replica, State, Weights
from fairway.model.policy import Phase
from fairway.model.release import Release, Revision
from fairway.model.steps import Want
from fairway.rollout.course import Course


class Old(Struct, frozen=True):
    """Another revision of a service. `ranks` are the places, from 1, of those of its `replicas` that serve."""

    revision: Revision
    replicas: int
    ranks: tuple[int, ...]
    weighted: bool
    """Whether the gateway sends it requests."""
    warm: bool = False
    """Stays, without traffic, so that going back to it is instant."""

    def kept(self, serving: int) -> int:
        """How many replicas have to stay so that `serving` go on: those that are down stay where one above them serves."""
        return self.ranks[serving - 1] if serving else 0


class Move(Struct, frozen=True):
    """One service on its way: `new` needs `replicas`; `old` are the other revisions, the one to keep longest first."""

    service: str
    new: Revision
    replicas: int
    present: int
    """Replicas of `new` that are there and fine."""
    surplus: int
    """Replicas of `new` beyond those that are wanted."""
    old: tuple[Old, ...]
    surge: int
    """How many new replicas start at a time: all of them where no old one shares the work meanwhile."""
    recreate: bool
    job: bool
    """Ends by itself: it is awaited by its exit status, not by its health."""
    proven: bool
    """The gateway sends requests to these replicas of `new` already: they have been seen to be ready."""
    unavailable: int = 0
    """How many replicas fewer than wanted may serve on the way."""
    spare: int = 0
    """How many of the new replicas may fail."""
    phases: tuple[Phase, ...] = ()
    """What it goes through before it takes over; none where no old replica serves: nothing is there to protect."""

    @property
    def grows(self) -> bool:
        return self.replicas > 0 and (self.present < self.replicas or not self.proven or bool(self.phases))

    @property
    def done(self) -> bool:
        return not (self.grows or self.surplus or any(old.weighted or not old.warm for old in self.old))

    @property
    def control(self) -> Old | None:
        """The old revision that users have: of several the oldest, for a newer one was never promoted."""
        return next((old for old in self.old if old.ranks and old.weighted), None)

    @property
    def unfinished(self) -> tuple[Old, ...]:
        """What earlier releases that were cut off have left beside what users have: it goes when the phases begin."""
        if not self.phases or self.control is None:
            return ()
        return tuple(old for old in self.old if old is not self.control and not old.warm)

    @property
    def shares_work(self) -> bool:
        """It has phases and no route: it shares the work with the old ones by the number of replicas, from the first phase on."""
        return bool(self.phases) and self.control is None

    def phase(self, number: int) -> Phase:
        """The phase it is in when the release is in phase `number`, from 1: the last one where it has no more."""
        return self.phases[min(number, len(self.phases)) - 1]

    def scale(self, number: int) -> int:
        """How many new replicas there are in phase `number`: what has come is not taken back."""
        return max((phase.scale for phase in self.phases[:number]), default=0)

    def first(self, phase: int) -> int:
        """How many new replicas start before any traffic moves, where the release begins with `phase`."""
        return max(self.scale(phase), min(self.present, self.replicas)) if self.phases else self.batch(1)

    def want(self, replicas: int) -> Want:
        """So many of the new replicas, to be waited for or watched: one of them at least has to be well."""
        return Want(self.new, replicas, max(0, min(self.spare, replicas - 1)))

    def batch(self, number: int) -> int:
        """How many new replicas there are once batch `number` (from 1) is up; what is there already is never taken back."""
        return min(self.replicas, self.present + self.surge * number)

    @property
    def batches(self) -> int:
        return max(1, -(-(self.replicas - self.present) // self.surge)) if self.grows else 1

    def keep(self, new: int) -> tuple[tuple[Old, int], ...]:
        """How many of the old go on serving beside `new` new replicas: together never fewer than are wanted."""
        spare = max(0, self.replicas - new)
        kept = []
        for old in self.old:
            serving = min(len(old.ranks), spare)
            spare -= serving
            kept.append((old, serving))
        return tuple(kept)

    def room(self, number: int) -> tuple[tuple[Old, int], ...]:
        """How many of the old go on serving while batch `number` starts: fewer than before where some may be missing."""
        if self.shares_work and number == 1:
            return self.keep(self.scale(len(self.phases)))
        before = self.batch(number - 1) if number > 1 else self.present
        if number == 1 and not self.unavailable:
            return tuple((old, len(old.ranks)) for old in self.old)
        return self.keep(min(before + self.unavailable, max(before, self.replicas - 1)))

    def beside(self, number: int) -> tuple[tuple[Old, int], ...]:
        """How many of the old go on serving once batch `number` serves."""
        stood = dict(self.room(number))
        return tuple((old, min(serving, stood[old])) for old, serving in self.keep(self.batch(number)))


def moves(fleet: Fleet, release: Release, course: Course) -> tuple[Move, ...]:
    """One Move for each service of the release whose replicas are not yet as they should be."""
    found = (_move(fleet, release, service, course) for service in sorted(release.revisions))
    return tuple(move for move in found if not move.done)


def strays(fleet: Fleet, release: Release) -> tuple[Revision, ...]:
    """Revisions of services that the release no longer has."""
    return tuple(revision for revision in fleet.revisions() if revision.service not in release.revisions)


def target_weights(release: Release) -> Weights:
    """All traffic of each routed service to its revision in this release."""
    return {
        service: {revision.name: release.replicas(service)}
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


def _move(fleet: Fleet, release: Release, service: str, course: Course) -> Move:
    new, replicas = release.revisions[service], release.replicas(service)
    policy = release.policy(service)
    job = is_job(release, service)
    mine = fleet.of(new)
    rollout = policy.rollout
    recreate = rollout.recreates(back=course.back)
    old = _old(fleet, service, new, frozenset() if recreate else course.warm)
    recreate = recreate and bool(old)
    surge, spare = (rollout.back.surge, rollout.back.spare) if course.back else (rollout.surge, rollout.spare)
    shares = any(other.ranks and (other.weighted or not policy.route) for other in old)
    batches = shares and not (recreate or job)
    phased = batches and bool(rollout.steps) and not course.straight and new not in course.proven
    return Move(
        service=service,
        new=new,
        replicas=replicas,
        present=sum(_fine(fleet, replica, job) for replica in mine[:replicas]),
        surplus=max(0, len(mine) - replicas, sum(replica.leaving for replica in mine)),
        old=old,
        surge=max(1, surge if surge and batches and not phased else replicas),
        recreate=recreate,
        job=job,
        proven=_weighted(fleet, new) and _serve(fleet, mine[:replicas]) if policy.route else not old,
        unavailable=rollout.max_unavailable if batches else 0,
        spare=spare,
        phases=rollout.steps if phased else (),
    )


def _old(fleet: Fleet, service: str, new: Revision, warm: Collection[Revision]) -> tuple[Old, ...]:
    """Where requests come through the gateway, a revision that gets none serves nobody, however well it runs.

    Oldest first: what was begun last, and never finished, is the first to go.
    """
    routed = any(fleet.weights.get(service, {}).values())
    found = []
    for revision in fleet.revisions(service):
        if revision == new:
            continue
        replicas, weighted = fleet.of(revision), _weighted(fleet, revision)
        serving = [r.alive and r.id in fleet.serving if weighted else r.up and not routed for r in replicas]
        ranks = tuple(rank for rank, serves in enumerate(serving, 1) if serves)
        found.append(Old(revision, len(replicas), ranks, weighted, revision in warm))
    return tuple(found)


def _weighted(fleet: Fleet, revision: Revision) -> bool:
    return fleet.weights.get(revision.service, {}).get(revision.name, 0) > 0


def _serve(fleet: Fleet, replicas: tuple[Replica, ...]) -> bool:
    return all(replica.id in fleet.serving for replica in replicas)


def _fine(fleet: Fleet, replica: Replica, job: bool) -> bool:
    """A job is fine once it has ended well. One that serves has been seen to be ready, whatever its healthcheck says yet."""
    if replica.leaving:
        return False
    if job:
        return replica.state is State.EXITED and replica.exit_code == 0
    return replica.up or (replica.alive and replica.id in fleet.serving)
