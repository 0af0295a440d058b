"""Which releases stay."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairway.model.environment import Environment
from fairway.model.fleet import Fleet, Replica
from fairway.model.garbage import Retention
from fairway.model.release import Record, Revision, promoted
from fairway.rollout.retention import sort
from tests.unit.rollout.parts import Spec, release

NOW = 1_800_000_000.0
OUTCOMES = ("promoted", "rolled back", "failed", "partial", "interrupted", "held", "removed")


def at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def record(number: int, outcome: str = "promoted", age: float = 1e6) -> Record:
    made = replace(release({"web": Spec()}), number=number, created=at(NOW - age - 60))
    return Record(release=made, outcome=outcome, finished=at(NOW - age) if outcome else "")


def fleet(*numbers: int) -> Fleet:
    replicas = [Replica(id=f"{n}", name=f"{n}", revision=Revision("web", n, "d"), index=1, host="h") for n in numbers]
    return Fleet(environment=Environment("shop", "production"), replicas=tuple(replicas))


def numbers(*records: Record, keep: int = 2, younger: float = 3600, running: tuple[int, ...] = ()) -> list[int]:
    kept = sort(records, fleet(*running), Retention(releases=keep, younger_than=younger), NOW)
    return [one.number for one in kept.kept]


def test_the_last_that_served_stay_whatever_failed_between_them() -> None:
    assert numbers(record(1), record(2), record(3, "failed"), record(4, "rolled back"), record(5)) == [2, 5]


def test_what_is_young_stays() -> None:
    assert numbers(record(1), record(2, age=3000), record(3, "failed", age=3599), record(4), record(5)) == [2, 3, 4, 5]


def test_what_runs_stays() -> None:
    assert numbers(record(1), record(2), record(3), record(4), running=(1, 4)) == [1, 3, 4]


def test_what_is_under_way_or_held_stays_and_so_does_the_last_number() -> None:
    assert numbers(record(1), record(2), record(3), record(4, "")) == [2, 3, 4]
    assert numbers(record(1), record(2), record(3), record(4, "held"), record(5, "failed")) == [2, 3, 4, 5]
    assert numbers(record(1), record(2), record(3, "held"), record(4), record(5)) == [4, 5]


RECORDS = st.lists(st.tuples(st.sampled_from(OUTCOMES), st.floats(0, 1e7)), max_size=30).map(
    lambda drawn: [record(number, outcome, age) for number, (outcome, age) in enumerate(drawn, 1)]
)


@given(RECORDS, st.integers(1, 5), st.floats(0, 1e6), st.sets(st.integers(1, 30), max_size=4))
def test_nothing_that_one_may_go_back_to_is_dropped(
    records: list[Record], keep: int, younger: float, running: set[int]
) -> None:
    found = sort(records, fleet(*running), Retention(releases=keep, younger_than=younger), NOW)
    kept, dropped = {one.number for one in found.kept}, {one.number for one in found.dropped}
    assert kept | dropped == {one.release.number for one in records} and not kept & dropped
    served = [one.release.number for one in records if one.outcome == "promoted"]
    assert set(served[-keep:]) <= kept
    assert not dropped & running
    assert not records or records[-1].release.number in kept
    current = promoted(tuple(records))
    assert current is None or current.number in kept
    more = sort(records, fleet(*running), Retention(releases=keep + 1, younger_than=younger), NOW)
    assert kept <= {one.number for one in more.kept}
