"""Which releases stay, so that one can go back to them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fairway.model.fleet import Fleet
from fairway.model.garbage import Kept, Retention
from fairway.model.release import Record
from fairway.rollout.course import moment

UNDONE = ("", "held", "partial", "interrupted")
"""Outcomes of releases of which something may be there still."""


def sort(records: Collection[Record], fleet: Fleet, retention: Retention, now: float) -> Kept:
    """`now`: seconds since the epoch, by the clock that the releases were made by.

    Kept are the newest that served, what is too young, the newest of all, and what has replicas or may have some.
    """
    in_order = sorted(records, key=lambda record: record.release.number)
    since = now - retention.younger_than
    served = [record.release.number for record in in_order if record.outcome == "promoted"]
    stay = {
        *served[-retention.releases :],
        *(replica.revision.release for replica in fleet.replicas),
        *_young(in_order, since),
        *_open(in_order),
    }
    return Kept(
        kept=tuple(record.release for record in in_order if record.release.number in stay),
        dropped=tuple(record.release for record in in_order if record.release.number not in stay),
        seconds=since,
    )


def _young(records: Sequence[Record], since: float) -> set[int]:
    """Those of which nobody knows when they were made, too."""
    times = {record.release.number: record.finished or record.release.created for record in records}
    return {number for number, time in times.items() if not time or moment(time) > since}


def _open(records: Sequence[Record]) -> set[int]:
    """The newest, for its number is not to be used again; and those that nobody has concluded since the last that served."""
    last = max((record.release.number for record in records if record.outcome == "promoted"), default=0)
    return {
        record.release.number
        for record in records
        if record is records[-1] or (record.release.number > last and record.outcome in UNDONE)
    }
