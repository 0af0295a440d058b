"""How a fleet is led to a release, as far as the release itself does not say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from fairway.model.policy import Job
from fairway.model.release import Record, Release, Revision, promoted, under_way


class Course(Struct, frozen=True, kw_only=True):
    """`straight`: without phases, as on the way back, and where the release was promoted before."""

    straight: bool = False
    jobs: bool = True
    """Whether `before` and `after_keep` are run: not on the way back."""
    done: frozenset[str] = frozenset()
    """The jobs that have been run, by their steps' names."""
    proven: frozenset[Revision] = frozenset()
    """Revisions of earlier releases that were promoted: they need no phases, and no jobs."""
    warm: frozenset[Revision] = frozenset()
    """Old revisions that stay when they have lost their traffic."""
    phase: int = 1
    """The phase to begin with, from 1: that which an earlier deployer had come to."""
    held: float = 0.0
    """Seconds for which that phase has been held already."""
    paced: bool = False
    """Whether somebody has asked for the way back: then it has the pauses, and is watched, as `rollback_config` says."""
    owed: frozenset[Revision] = frozenset()
    """Revisions whose predecessor was kept warm, and whose `after_keep` has not been run yet."""
    inherited: tuple[tuple[Revision, Job], ...] = ()
    """The same jobs of versions that have a successor already, the oldest first: each is due when nothing older is left."""

    @property
    def back(self) -> bool:
        """To what served before: nobody has to wait for it, or to judge it again."""
        return not self.jobs


BACK = Course(straight=True, jobs=False)
"""The way to what served before."""


def course(records: tuple[Record, ...], release: Release, now: float) -> Course:
    """The way to `release` as the ledger has it. `now` is in seconds since the epoch."""
    back = release.goes_back
    begun = next((record for record in records if record.release.number == release.number), None)
    resumed = begun.progress if begun and under_way(records) == release else None
    earlier = [r for r in records if r.outcome == "promoted" and r.release.number < release.number]
    return Course(
        straight=back or promoted(records) == release,
        jobs=not back,
        paced=back,
        done=frozenset(name for record in records for name in record.progress.done),
        proven=frozenset(revision for record in earlier for revision in record.release.revisions.values()),
        warm=frozenset() if back else warm(records, release, now),
        owed=frozenset(revision for record in earlier for revision in _owed(record.release)),
        inherited=() if back else _inherited([record.release for record in earlier], release),
        phase=max(1, resumed.phase) if resumed else 1,
        held=max(0.0, now - resumed.since) if resumed and resumed.phase else 0.0,
    )


def _owed(release: Release) -> list[Revision]:
    """Those that the release made, and that tidy up once nothing older is left. Whether they have is in `done`."""
    return [
        revision
        for service, revision in release.revisions.items()
        if revision.release == release.number and release.policy(service).rollout.after_keep
    ]


def _inherited(earlier: list[Release], release: Release) -> tuple[tuple[Revision, Job], ...]:
    """Of services that go on. What was brought back needs what its successors would have tidied up: they owe nothing more."""
    owed: dict[str, list[tuple[Revision, Job]]] = {}
    had: Mapping[str, Revision] = {}
    for one in sorted(earlier, key=lambda known: known.number):
        for service, revision in one.revisions.items():
            if one.goes_back and had.get(service) != revision:
                owed.pop(service, None)
        for revision in () if one.goes_back else _owed(one):
            if job := one.policy(revision.service).rollout.after_keep:
                owed.setdefault(revision.service, []).append((revision, job))
        had = one.revisions
    known = (pair for service, pairs in owed.items() if service in release.revisions for pair in pairs)
    return tuple((revision, job) for revision, job in known if revision != release.revisions[revision.service])


def warm(records: tuple[Record, ...], release: Release, now: float) -> frozenset[Revision]:
    """What of the release before stays without traffic: from the promotion on for as long as each service's `keep` says."""
    before = promoted(tuple(record for record in records if record.release.number < release.number))
    since = next((moment(r.finished) for r in records if r.release == release and r.outcome == "promoted"), None)
    return frozenset(
        revision
        for service, revision in (before.revisions.items() if before else ())
        if service in release.revisions and release.revisions[service] != revision
        if (keep := release.policy(service).rollout.keep) and (since is None or now < since + keep)
    )


def moment(timestamp: str) -> float:
    """ISO 8601 as seconds since the epoch."""
    return datetime.fromisoformat(timestamp).timestamp()
