"""Is the new revision worse than the old one? A sequential test on counts that stays valid however often one looks.

Of the m errors of a tick, a new revision exactly ρ times worse has each with odds ρ·n_new : n_old. Whoever doubts that
bets on other odds, k times as large, and wins the likelihood ratio

    k^m_new · ((1 + odds) / (1 + k·odds))^m

of which the mean is at most 1 for every revision at most ρ times worse (k > 1), or at least ρ times worse (k < 1):
docs/judge.md has the proof, which asks for no rate, no steady rate, and no large numbers. So the purse, spread over
several k, is a supermartingale; it reaches 1/α with a chance of at most α (Ville). Capping what is won keeps that true.
The same bet with the odds of a limit, on the new revision's requests alone, is the test against an absolute limit.

After M. Lindon and A. Malek, Anytime-Valid Inference for Multinomial Count Data, NeurIPS 2022.
"""

from __future__ import annotations

from functools import cache
from math import exp, log

from msgspec import Struct
from msgspec.structs import replace

from fairway.model.judgement import (
    Against,
    Counts,
    Evidence,
    JudgePolicy,
    Measure,
    Opinion,
    Question,
    Reading,
    Ruling,
    State,
    Trial,
)
from fairway.rollout.judge_words import enough, missing, reason

WORSE = (1.5, 2.0, 4.0, 10.0)
FINE = tuple(1 / factor for factor in WORSE)
_ENOUGH = 1e300


@cache
def questions(policy: JudgePolicy) -> tuple[Question, ...]:
    compared = [Question(measure, Against.OLD) for measure in policy.compare]
    limited = [Question(measure, Against.LIMIT) for measure in Measure if policy.limit(measure) is not None]
    return (*compared, *limited)


def observe(policy: JudgePolicy, state: State, new: Counts | None, old: Counts | None) -> State:
    """One tick: what both revisions did in the same seconds.

    None on either side is no data, and says nothing. An old revision without requests is no control: limits alone judge.
    """
    if new is None or old is None:
        return replace(state, missed=state.missed + 1)
    trials = {question: _tried(policy, question, state, new, old) for question in questions(policy)}
    return State(state.ticks + 1, state.missed, state.new + new, state.old + old, trials)


def opinion(policy: JudgePolicy, state: State) -> Opinion:
    """The judge's word on what was seen so far. An abort stays one; a pass holds while the evidence does."""
    readings = tuple(_reading(policy, state, question) for question in questions(policy))
    aborts = tuple(r for r in readings if _trial(state, r.question).worse.peak >= r.needed)
    passes = tuple(r for r in readings if r.fine >= r.needed)
    aborts = tuple(reading for reading in aborts if enough(policy, state, reading.question.measure))
    ruling = Ruling.HOLD
    if aborts:
        ruling = Ruling.ABORT
    elif _all_fine(readings, passes) and all(enough(policy, state, r.question.measure) for r in readings):
        ruling = Ruling.PASS
    decisive = {Ruling.ABORT: aborts, Ruling.PASS: passes, Ruling.HOLD: ()}[ruling]
    lacking = missing(policy, state, readings) if ruling is Ruling.HOLD else ()
    return Opinion(ruling, reason(ruling, policy, state, decisive), lacking, readings, state.new, state.old)


def _all_fine(readings: tuple[Reading, ...], passes: tuple[Reading, ...]) -> bool:
    """Each measure has an answer that says so, and none that leans the other way.

    A limit kept is enough where a comparison has nothing to go by, as with no errors at all, and not where it has doubts.
    """
    measures = {reading.question.measure for reading in readings}
    return (
        bool(measures)
        and measures == {reading.question.measure for reading in passes}
        and not any(map(_in_doubt, readings))
    )


def _in_doubt(reading: Reading) -> bool:
    return reading.worse > 1 or (reading.question.against is Against.OLD and reading.fine < 1)


class _Tosses(Struct, frozen=True):
    """`heads` fell on what speaks against the new revision, of `total`; `odds` of one to do so, at a ratio of 1."""

    heads: int
    total: int
    odds: float


def _tried(policy: JudgePolicy, question: Question, state: State, new: Counts, old: Counts) -> Trial:
    trial = _trial(state, question)
    tosses = _tosses(policy, question, state, new, old)
    if tosses is None or not tosses.total:
        return trial
    compared = question.against is Against.OLD
    ratio, tolerance = (policy.ratio, policy.tolerance) if compared else (1.0, 1.0)
    shared = not compared and _beyond(policy, question.measure, state, old)
    worse = trial.worse if shared else _bet(trial.worse, WORSE, tosses, ratio, policy.cap)
    return Trial(worse, _bet(trial.fine, FINE, tosses, tolerance, policy.cap))


def _tosses(policy: JudgePolicy, question: Question, state: State, new: Counts, old: Counts) -> _Tosses | None:
    bad_new, n_new = tally(policy, question, state, new)
    if question.against is Against.LIMIT:
        share = limit_share(policy, question.measure)
        return _Tosses(bad_new, n_new, share / (1 - share))
    bad_old, n_old = tally(policy, question, state, old)
    return _Tosses(bad_new, bad_new + bad_old, n_new / n_old) if n_new and n_old else None


def _beyond(policy: JudgePolicy, measure: Measure, state: State, old: Counts) -> bool:
    """The old revision is over the limit too: what is wrong is not the new one's fault, and it may be the cure."""
    question = Question(measure, Against.LIMIT)
    tallies = (tally(policy, question, state, old), tally(policy, question, state, state.old + old))
    return any(bad > n * limit_share(policy, measure) for bad, n in tallies)


def tally(policy: JudgePolicy, question: Question, state: State, counts: Counts) -> tuple[int, int]:
    """How many of how many requests failed, or were slow; or how many of how many probes failed.

    What is slow is known from the ticks before: a bound drawn from the tick it judges would favour the old revision.
    """
    if question.measure is Measure.PROBE:
        return counts.failed, counts.probes
    if question.measure is Measure.ERRORS:
        return counts.errors, counts.requests
    limit = policy.limit_latency if question.against is Against.LIMIT else state.old.quantile(policy.quantile)
    return (0, 0) if limit is None else (counts.slower(limit), counts.timed)


def limit_share(policy: JudgePolicy, measure: Measure) -> float:
    """The largest share of requests that may fail, or be slow; or of probes that may fail."""
    return 1 - policy.quantile if measure is Measure.LATENCY else policy.limit(measure) or 0.0


def _bet(purse: Evidence, factors: tuple[float, ...], tosses: _Tosses, ratio: float, cap: float) -> Evidence:
    """The purse after one more bet. Half of it is staked at once; the rest follows over time, for what goes bad late."""
    odds = ratio * tosses.odds
    reserve = 1 / (purse.bets + 2)
    added = (purse.reserve - reserve) / len(factors)
    stakes = []
    for stake, factor in zip(purse.stakes or (0.0,) * len(factors), factors, strict=True):
        gain = tosses.heads * log(factor) - tosses.total * log((1 + factor * odds) / (1 + odds))
        stakes.append(min(_ENOUGH, (stake + added) * exp(min(cap, gain))))
    return Evidence(tuple(stakes), reserve, purse.bets + 1, max(purse.peak, reserve + sum(stakes)))


def _trial(state: State, question: Question) -> Trial:
    return state.trials.get(question) or Trial()


def _reading(policy: JudgePolicy, state: State, question: Question) -> Reading:
    trial = _trial(state, question)
    bad_new, n_new = tally(policy, question, state, state.new)
    bad_old, n_old = tally(policy, question, state, state.old)
    control = bad_old / n_old if n_old else None
    return Reading(
        question=question,
        worse=trial.worse.value,
        fine=trial.fine.value,
        needed=len(questions(policy)) / policy.alpha,
        new=bad_new / n_new if n_new else None,
        against=control if question.against is Against.OLD else limit_share(policy, question.measure),
    )
