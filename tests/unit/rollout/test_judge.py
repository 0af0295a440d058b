"""The judge: what it may never do, and what it must do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairway.model.judgement import Counts, JudgePolicy, Measure, Ruling, Trial
from fairway.rollout.judge import observe, opinion
from tests.unit.rollout.judging import (
    BOTH,
    BROKEN,
    ERRORS,
    HEALTHY,
    LIMIT,
    POLICIES,
    TICKS,
    Tick,
    counts,
    judge,
    trial,
    watch,
)

# What it may never do


@given(
    POLICIES,
    st.lists(st.sampled_from([(None, None), (None, Counts(9, 9)), (Counts(9, 9), None), (Counts(), Counts())])),
)
def test_no_data_is_neither_failure_nor_success(policy: JudgePolicy, ticks: list[Tick]) -> None:
    said = judge(policy, ticks)
    assert said.ruling is Ruling.HOLD
    assert said.missing


@given(POLICIES, TICKS, st.data())
def test_ticks_without_data_change_nothing_but_their_number(
    policy: JudgePolicy, ticks: list[Tick], data: st.DataObject
) -> None:
    gappy = list(ticks)
    for _ in range(data.draw(st.integers(0, 4))):
        gappy.insert(data.draw(st.integers(0, len(gappy))), (None, Counts(5, 5)))
    missed = len(gappy) - len(ticks)
    assert watch(policy, gappy) == replace(watch(policy, ticks), missed=missed)


@given(POLICIES, counts(), counts())
def test_one_tick_alone_decides_nothing(policy: JudgePolicy, new: Counts, old: Counts) -> None:
    assert judge(policy, [(new, old)]).ruling is Ruling.HOLD


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(0, 500)), max_size=40))
def test_a_burst_on_both_sides_never_aborts(bursts: list[tuple[int, int]]) -> None:
    same = [Counts(n, min(n, errors)) for n, errors in bursts]
    assert judge(JudgePolicy(min_events=0), [(count, count) for count in same]).ruling is not Ruling.ABORT


def test_an_outage_of_both_sides_is_not_the_new_revision_s_fault_even_with_a_limit() -> None:
    policy = JudgePolicy(limit_errors=0.01)
    outage = [(Counts(50, 50), Counts(450, 450))] * 60
    assert judge(policy, [HEALTHY] * 3 + outage).ruling is not Ruling.ABORT


def test_a_better_revision_goes_through_though_it_is_over_the_limit_like_the_old_one() -> None:
    said = judge(JudgePolicy(limit_errors=0.01), [(Counts(50, 1), Counts(450, 45))] * 40)
    assert said.ruling is Ruling.PASS


def test_a_burst_of_one_tick_on_the_new_side_does_not_abort() -> None:
    burst = (Counts(50, 50), Counts(450, 2))
    for before in range(40):
        state = watch(ERRORS, [HEALTHY] * before + [burst])
        assert opinion(ERRORS, state).ruling is not Ruling.ABORT


def test_below_the_least_number_of_requests_there_is_no_verdict() -> None:
    ticks = [(Counts(2, 2), Counts(98, 0))] * 9
    assert judge(ERRORS, ticks).ruling is Ruling.HOLD
    assert "2 more requests to the new revision" in judge(ERRORS, ticks).missing
    assert judge(ERRORS, [*ticks, ticks[0]]).ruling is Ruling.ABORT


def test_two_steps_share_no_result() -> None:
    assert judge(ERRORS, [BROKEN] * 6).ruling is Ruling.ABORT
    assert judge(ERRORS, [HEALTHY]).ruling is Ruling.HOLD


def test_with_nothing_asked_for_it_holds_and_says_so() -> None:
    said = judge(JudgePolicy(compare=()), [BROKEN] * 9)
    assert said.ruling is Ruling.HOLD
    assert "neither a comparison nor a limit" in said.missing[0]


PROBED = JudgePolicy(compare=(Measure.PROBE,), limit_probe=0.01)


def probed(count: Counts) -> Counts:
    return Counts(probes=count.requests, failed=count.errors)


@given(TICKS)
def test_probes_weigh_as_much_as_requests_do(ticks: list[Tick]) -> None:
    """Whatever users meet at the same time."""
    errors = watch(JudgePolicy(limit_errors=0.01), ticks).trials.values()
    asked = [(probed(new), probed(old)) for new, old in ticks if new and old]
    assert list(watch(PROBED, asked).trials.values()) == list(errors)
    besides = [(probed(new) + new, probed(old) + old) for new, old in ticks if new and old]
    assert watch(PROBED, besides).trials == watch(PROBED, asked).trials


@given(TICKS)
def test_without_probes_there_is_no_verdict_on_them(ticks: list[Tick]) -> None:
    said = judge(PROBED, ticks)
    assert said.ruling is Ruling.HOLD
    assert not ticks or "the first results of the probe" in said.missing


# What it must do


def test_probes_need_no_users() -> None:
    """And no least number of them: four ticks at the least, as the caps have it."""
    failing = [(Counts(probes=1, failed=1), Counts(probes=3))] * 8
    said = judge(PROBED, failing)
    assert said.ruling is Ruling.ABORT
    assert said.why.endswith("over the limit of 1 % (8 probes in 8 ticks)")
    assert judge(PROBED, failing[:3]).ruling is Ruling.HOLD
    lenient = JudgePolicy(compare=(Measure.PROBE,), limit_probe=0.1)
    assert judge(lenient, [(Counts(probes=3), Counts(probes=3))] * 40).ruling is Ruling.PASS


def test_probes_pass_nothing_that_too_few_users_have_tried() -> None:
    policy = JudgePolicy(compare=(Measure.ERRORS, Measure.PROBE), limit_errors=0.5, limit_probe=0.5)
    ticks = [(Counts(1, 0, probes=9), Counts(9, 0, probes=9))] * 19
    assert judge(policy, ticks).ruling is Ruling.HOLD
    assert "1 more request to the new revision" in judge(policy, ticks).missing
    assert judge(policy, [*ticks, ticks[0]]).ruling is Ruling.PASS


def test_a_probe_that_fails_of_both_is_not_the_new_one_s_fault() -> None:
    assert judge(PROBED, [(Counts(probes=1, failed=1), Counts(probes=3, failed=3))] * 60).ruling is Ruling.PASS


# And what it must do of what users meet


def test_a_revision_that_is_worse_is_aborted_with_the_reason() -> None:
    said = judge(ERRORS, [BROKEN] * 6)
    assert said.ruling is Ruling.ABORT
    assert said.why == "errors: 20 %, more than 1.2 times the old revision's 0.444 % (300 requests in 6 ticks)"
    assert said.missing == ()


def test_an_abort_stays_one() -> None:
    assert judge(ERRORS, [BROKEN] * 6 + [HEALTHY] * 500).ruling is Ruling.ABORT


def test_a_revision_that_goes_bad_late_is_still_found_soon() -> None:
    healthy = [(Counts(250, 2), Counts(250, 2))] * 600
    assert judge(ERRORS, [*healthy, *[(Counts(250, 20), Counts(250, 2))] * 12]).ruling is Ruling.ABORT


def test_a_revision_that_is_not_worse_passes_early() -> None:
    said = judge(ERRORS, [(Counts(250, 2), Counts(250, 2))] * 40)
    assert said.ruling is Ruling.PASS
    assert "less than 2 times the old revision's 0.8 %" in said.why


def test_without_an_error_on_either_side_only_a_limit_can_pass_it() -> None:
    flawless = [(Counts(250, 0), Counts(250, 0))] * 20
    assert judge(ERRORS, flawless).ruling is Ruling.HOLD
    assert "none on either side" in judge(ERRORS, flawless).missing[0]
    assert judge(JudgePolicy(limit_errors=0.01), flawless).ruling is Ruling.PASS


def test_within_the_limit_is_not_enough_while_the_comparison_has_doubts() -> None:
    doubtful = [(Counts(250, 1), Counts(250, 0))] * 4
    assert judge(JudgePolicy(limit_errors=0.1), doubtful).ruling is Ruling.HOLD


def test_without_an_old_revision_only_a_limit_judges() -> None:
    ticks = [(Counts(100, 10), Counts())] * 8
    assert judge(ERRORS, ticks).ruling is Ruling.HOLD
    assert any("requests to the old revision" in lacking for lacking in judge(ERRORS, ticks).missing)
    assert judge(LIMIT, ticks).ruling is Ruling.ABORT
    assert "over the limit of 1 %" in judge(LIMIT, ticks).why


def timed(n: int, slow: int) -> Counts:
    return Counts(n, 0, {10.0: n - slow, 100.0: n - slow, 1000.0: n, 3.6e6: n})


def test_slow_answers_are_judged_as_errors_are() -> None:
    policy = JudgePolicy(compare=(Measure.LATENCY,))
    assert judge(policy, [(timed(100, 20), timed(400, 8))] * 8).ruling is Ruling.ABORT
    assert judge(policy, [(timed(100, 2), timed(400, 8))] * 40).ruling is Ruling.PASS


def test_what_is_slow_is_known_before_the_tick_that_it_judges() -> None:
    policy = JudgePolicy(compare=(Measure.LATENCY,))
    first = watch(policy, [(timed(100, 90), timed(400, 8))])
    assert trial(policy, first) == Trial()
    assert trial(policy, observe(policy, first, timed(100, 90), timed(400, 8))) != Trial()


def test_answers_without_times_give_no_verdict_on_latency() -> None:
    said = judge(BOTH, [(Counts(250, 2), Counts(250, 2))] * 40)
    assert said.ruling is Ruling.HOLD
    assert "times of answers for slow answers" in said.missing


def test_a_limit_of_latency_counts_what_surely_took_longer() -> None:
    policy = JudgePolicy(compare=(), limit_latency=50)
    slow = Counts(100, 0, {10.0: 60, 100.0: 60, 1000.0: 100})
    unsure = Counts(100, 0, {10.0: 60, 100.0: 100, 1000.0: 100})
    assert judge(policy, [(slow, Counts())] * 8).ruling is Ruling.ABORT
    assert judge(policy, [(unsure, Counts())] * 8).ruling is not Ruling.ABORT
