"""The judge's evidence: that its chance of a false alarm is what it promises, and what its size depends on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import comb, isclose, log, sqrt
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairway.model.judgement import Against, Counts, JudgePolicy, Ruling, State
from fairway.rollout.judge import FINE, WORSE, observe, opinion, questions
from tests.unit.rollout.judging import ALL, ERRORS, HEALTHY, LIMIT, TICKS, judge, trial, watch


@given(TICKS)
def test_which_side_is_called_new_makes_no_difference_where_one_times_is_allowed(
    ticks: list[tuple[Counts, Counts]],
) -> None:
    policy = JudgePolicy(ratio=1, tolerance=1)
    here = trial(policy, watch(policy, ticks))
    there = trial(policy, watch(policy, [(old, new) for new, old in ticks]))
    assert isclose(here.worse.value, there.fine.value, rel_tol=1e-6)
    assert isclose(here.fine.value, there.worse.value, rel_tol=1e-6)


@given(TICKS, st.data())
def test_more_errors_of_the_new_revision_never_speak_for_it(
    ticks: list[tuple[Counts, Counts]], data: st.DataObject
) -> None:
    more = [(replace(new, errors=data.draw(st.integers(new.errors, new.requests))), old) for new, old in ticks]
    for policy in (ERRORS, LIMIT):
        fewer, many = trial(policy, watch(policy, ticks)), trial(policy, watch(policy, more))
        assume(many.worse.bets == fewer.worse.bets)  # a tick without any error is no bet, and later stakes depend on it
        assert many.fine.value <= fewer.fine.value * (1 + 1e-9)
        assert many.worse.value >= fewer.worse.value * (1 - 1e-9)


@given(TICKS, st.randoms())
def test_the_order_of_ticks_moves_the_evidence_no_more_than_stakes_and_caps_do(
    ticks: list[tuple[Counts, Counts]], random: Random
) -> None:
    """Half the purse is staked on the first tick, so without caps no order has less than half of that half's value."""
    policy = JudgePolicy(cap=1e3)
    mixed = random.sample(ticks, len(ticks))
    here, there = (trial(policy, watch(policy, some)) for some in (ticks, mixed))
    assert here.worse.bets == there.worse.bets
    gains = [_product(ticks, factor) for factor in WORSE]
    staked = sum(min(1e290, gain) for gain in gains) / len(WORSE) / 2
    assert min(here.worse.value, there.worse.value) >= staked * (1 - 1e-6)


def _product(ticks: Sequence[tuple[Counts, Counts]], factor: float) -> float:
    gain = 0.0
    for new, old in ticks:
        if new.requests and old.requests:
            odds = 1.2 * new.requests / old.requests
            errors = new.errors + old.errors
            gain += new.errors * log(factor) - errors * log((1 + factor * odds) / (1 + odds))
    return 2.0 ** min(960.0, gain / log(2))


@pytest.mark.parametrize("ratio", [1.2, 1.0, 0.5, 0.0])
@pytest.mark.parametrize("rate", [0.01, 0.3, 0.8])
@pytest.mark.parametrize(("n_new", "n_old"), [(3, 3), (2, 9), (8, 2)])
def test_no_bet_wins_on_average_whatever_the_rate_up_to_the_ratio(
    ratio: float, rate: float, n_new: int, n_old: int
) -> None:
    worse, _ = mean(ERRORS, n_new, n_old, min(1.0, ratio * rate), rate)
    assert worse <= 1 + 1e-12


@pytest.mark.parametrize("ratio", [2.0, 3.0])
@pytest.mark.parametrize("rate", [0.01, 0.3])
def test_no_bet_on_fine_wins_on_average_where_it_is_twice_as_bad_or_more(ratio: float, rate: float) -> None:
    _, fine = mean(ERRORS, 5, 8, ratio * rate, rate)
    assert fine <= 1 + 1e-12


@pytest.mark.parametrize("rate", [0.0, 0.005, 0.01, 0.02, 0.5])
def test_no_bet_on_a_limit_wins_on_average_where_it_is_wrong(rate: float) -> None:
    worse, fine = mean(LIMIT, 9, 0, rate, 0.0)
    assert rate > 0.01 or worse <= 1 + 1e-12
    assert rate < 0.01 or fine <= 1 + 1e-12


def mean(policy: JudgePolicy, n_new: int, n_old: int, p_new: float, p_old: float) -> tuple[float, float]:
    """Of both purses after one tick, `worse` and `fine`: over every outcome, weighed by its chance."""
    worse = fine = 0.0
    for x, y in product(range(n_new + 1), range(n_old + 1)):
        chance = binomial(n_new, x, p_new) * binomial(n_old, y, p_old)
        after = trial(policy, watch(policy, [(Counts(n_new, x), Counts(n_old, y))]))
        worse += chance * after.worse.value
        fine += chance * after.fine.value
    return worse, fine


def binomial(n: int, k: int, p: float) -> float:
    return comb(n, k) * p**k * (1 - p) ** (n - k)


def test_alternatives_mirror_each_other() -> None:
    assert all(isclose(worse * fine, 1) for worse, fine in zip(WORSE, FINE, strict=True))


def test_evidence_neither_overflows_nor_underflows() -> None:
    state = watch(replace(ERRORS, cap=600), [(Counts(500, 500), Counts(500, 0))] * 50)
    assert 1e300 <= trial(ERRORS, state).worse.value < float("inf")
    assert opinion(ERRORS, watch(ERRORS, [(Counts(500, 0), Counts(500, 500))] * 500)).ruling is Ruling.PASS


def test_false_aborts_at_the_edge_of_what_is_allowed_are_no_more_than_promised() -> None:
    """Exactly `ratio` times worse, looked at after every tick; three standard deviations above what was counted."""
    policy, runs, random = JudgePolicy(alpha=0.1, min_events=0), 2000, Random(20)
    aborts = 0
    for _ in range(runs):
        state = State()
        for _ in range(25):
            new, old = (sum(random.random() < rate for _ in range(20)) for rate in (0.12, 0.1))
            state = observe(policy, state, Counts(20, new), Counts(20, old))
        aborts += opinion(policy, state).ruling is Ruling.ABORT
    assert aborts > 0
    assert aborts + 3 * sqrt(aborts) <= policy.alpha * runs


def test_alpha_is_shared_by_all_that_is_asked() -> None:
    assert {reading.needed for reading in judge(ALL, [HEALTHY]).readings} == {400.0}
    assert {question.against for question in questions(ALL)} == set(Against)
