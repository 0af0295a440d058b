"""Counts for the judge, out of a gateway's own."""

from __future__ import annotations

import pytest
from hypothesis import given

from fairway.model.judgement import Counts, JudgePolicy, Scrape
from tests.unit.rollout.judging import counts


def scrape(ok: int, bad: int, total: int | None = None, **times: int) -> Scrape:
    counters = {
        "upstream_rq_2xx": ok,
        "upstream_rq_5xx": bad,
        "upstream_rq_total": ok + bad if total is None else total,
    }
    return Scrape(counters, {float(bound[1:]): number for bound, number in times.items()})


def test_counts_are_the_difference_of_two_scrapes() -> None:
    counted = Counts.between(scrape(10, 1, _5=8, _50=11), scrape(110, 3, _5=90, _50=113))
    assert counted == Counts(102, 2, {5.0: 82, 50.0: 102})


def test_requests_that_found_no_connection_count() -> None:
    assert Counts.between(scrape(0, 0, 0), scrape(0, 7, 0)) == Counts(7, 7)


def test_a_class_of_answers_that_was_not_seen_before_began_at_nought() -> None:
    assert Counts.between(Scrape({"upstream_rq_total": 0}), scrape(3, 1)) == Counts(4, 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, scrape(1, 1)),
        (scrape(1, 1), None),
        (scrape(9, 1), scrape(2, 1)),
        (scrape(9, 1), scrape(20, 0)),
        (scrape(9, 1, _5=9), scrape(12, 1, _5=3)),
        (scrape(9, 1), Scrape({})),
        (Scrape({}), scrape(9, 1)),
    ],
)
def test_a_missing_scrape_and_a_counter_that_began_anew_are_no_data(
    before: Scrape | None, after: Scrape | None
) -> None:
    assert Counts.between(before, after) is None


@given(counts(), counts())
def test_counts_of_several_gateways_add_up(one: Counts, other: Counts) -> None:
    both = one + other
    assert (both.requests, both.errors, both.timed) == (
        one.requests + other.requests,
        one.errors + other.errors,
        one.timed + other.timed,
    )
    assert both == other + one


@pytest.mark.parametrize(
    "wrong", [{"alpha": 0.0}, {"ratio": 0.9}, {"tolerance": 0.5}, {"limit_errors": 1.0}, {"cap": 0.0}]
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        JudgePolicy(**wrong)
