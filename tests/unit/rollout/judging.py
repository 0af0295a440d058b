"""What tests of the judge share: policies, and what some ticks come to."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from fairway.model.judgement import Counts, JudgePolicy, Measure, Opinion, State, Trial
from fairway.rollout.judge import observe, opinion, questions

Tick = tuple[Counts | None, Counts | None]

ERRORS = JudgePolicy()
BOTH = JudgePolicy(compare=(Measure.ERRORS, Measure.LATENCY))
LIMIT = JudgePolicy(compare=(), limit_errors=0.01)
ALL = JudgePolicy(compare=(Measure.ERRORS, Measure.LATENCY), limit_errors=0.01, limit_latency=250)
POLICIES = st.sampled_from((ERRORS, BOTH, LIMIT, ALL, JudgePolicy(limit_errors=0.01)))


def watch(policy: JudgePolicy, ticks: Iterable[Tick]) -> State:
    state = State()
    for new, old in ticks:
        state = observe(policy, state, new, old)
    return state


def judge(policy: JudgePolicy, ticks: Iterable[Tick]) -> Opinion:
    return opinion(policy, watch(policy, ticks))


def trial(policy: JudgePolicy, state: State) -> Trial:
    return state.trials.get(questions(policy)[0], Trial())


@st.composite
def counts(draw: st.DrawFn, most: int = 300) -> Counts:
    requests = draw(st.integers(0, most))
    fast = draw(st.integers(0, requests))
    return Counts(
        requests, draw(st.integers(0, requests)), {10.0: fast, 100.0: draw(st.integers(fast, requests)), 1e6: requests}
    )


TICKS = st.lists(st.tuples(counts(), counts()), max_size=12)
HEALTHY = (Counts(50, 0), Counts(450, 2))
BROKEN = (Counts(50, 10), Counts(450, 2))
