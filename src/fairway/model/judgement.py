"""What the judge looks at and what it says: counts, the evidence drawn from them, an opinion."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field


class Measure(StrEnum):
    ERRORS = "errors"
    LATENCY = "latency"
    PROBE = "probe"
    """What neither users nor the gateway tell: a question of Fairway's own, to both revisions."""


class Against(StrEnum):
    OLD = "old"
    """The old revision, over the same seconds."""
    LIMIT = "limit"
    """An absolute limit, whatever the old revision does."""


class Question(Struct, frozen=True):
    """One thing to be sure of: a measure of the new revision, and what it is held against."""

    measure: Measure
    against: Against


class JudgePolicy(Struct, frozen=True, kw_only=True):
    """How sure the judge must be, and of what. Shares, `alpha` and `quantile` lie between 0 and 1."""

    compare: tuple[Measure, ...] = (Measure.ERRORS,)
    alpha: float = 0.01
    """The largest chance that a healthy revision is aborted in one judged step, however often one looks."""
    ratio: float = 1.2
    """Abort: surely more than so many times the old revision's share of errors, or of slow answers. At least 1."""
    tolerance: float = 2.0
    """Pass early: surely less than so many times. At least 1; 1 asks for proof that the new revision is better."""
    quantile: float = 0.95
    """An answer is slow when it takes longer than this quantile of the old revision's."""
    limit_errors: float | None = None
    """The largest share of requests that may fail."""
    limit_latency: float | None = None
    """Milliseconds: `quantile` of the answers take no longer."""
    limit_probe: float | None = None
    """The largest share of the probes that may fail."""
    min_events: int = 20
    """Requests that the new revision must have answered before there is a verdict on them; probes need no least number."""
    cap: float = 1.5
    """The most that one tick may say, as the logarithm of a likelihood ratio: one burst alone decides nothing."""

    def __post_init__(self) -> None:
        limits = (limit for limit in (self.limit_errors, self.limit_probe) if limit is not None)
        if not all(0 < share < 1 for share in (self.alpha, self.quantile, *limits)):
            raise ValueError("alpha, quantile, limit_errors and limit_probe lie between 0 and 1")
        if min(self.ratio, self.tolerance) < 1 or self.cap <= 0:
            raise ValueError("ratio and tolerance are at least 1, and cap is more than 0")

    def limit(self, measure: Measure) -> float | None:
        limits = {Measure.ERRORS: self.limit_errors, Measure.LATENCY: self.limit_latency}
        return limits.get(measure, self.limit_probe)


_ANSWERS = ("upstream_rq_2xx", "upstream_rq_3xx", "upstream_rq_4xx", "upstream_rq_5xx")
_KNOWN = "upstream_rq_total"

Times = Mapping[float, int]
"""Answers by time: the number that took at most so many milliseconds, for rising bounds. The last bound counts all."""


class Scrape(Struct, frozen=True):
    """What a gateway has counted for one revision since it first knew it.

    `counters` are by Envoy's names within a cluster (`upstream_rq_2xx`). Requests that got no connection are in
    `upstream_rq_5xx` and not in `upstream_rq_total`, so the classes are what counts.
    """

    counters: Mapping[str, int] = field(default_factory=dict)
    times: Times = field(default_factory=dict)

    def __add__(self, other: Scrape) -> Scrape:
        """What two gateways have counted."""
        names = {*self.counters, *other.counters}
        counters = {name: self.counters.get(name, 0) + other.counters.get(name, 0) for name in names}
        times = {bound: self.times.get(bound, 0) + other.times.get(bound, 0) for bound in _bounds(self, other)}
        return Scrape(counters, times)


class Counts(Struct, frozen=True):
    """What became of the requests of one revision, in one tick or since the judged step began."""

    requests: int = 0
    errors: int = 0
    times: Times = field(default_factory=dict)
    probes: int = 0
    failed: int = 0
    """Of the probes."""

    @staticmethod
    def between(before: Scrape | None, after: Scrape | None) -> Counts | None:
        """What was counted from one scrape to the next; None, no data, where one is missing or a counter began anew."""
        if before is None or after is None or not (_KNOWN in before.counters and _KNOWN in after.counters):
            return None
        answers = [after.counters.get(name, 0) - before.counters.get(name, 0) for name in _ANSWERS]
        times = {bound: after.times.get(bound, 0) - before.times.get(bound, 0) for bound in _bounds(before, after)}
        if min([after.counters[_KNOWN] - before.counters[_KNOWN], *answers, *times.values()]) < 0:
            return None
        return Counts(sum(answers), answers[-1], times)

    def __add__(self, other: Counts) -> Counts:
        times = {bound: self.times.get(bound, 0) + other.times.get(bound, 0) for bound in _bounds(self, other)}
        probes, failed = self.probes + other.probes, self.failed + other.failed
        return Counts(self.requests + other.requests, self.errors + other.errors, times, probes, failed)

    @property
    def error_rate(self) -> float:
        return self.errors / self.requests if self.requests else 0.0

    @property
    def timed(self) -> int:
        return self.times[max(self.times)] if self.times else 0

    def slower(self, bound: float) -> int:
        """Answers that surely took longer than `bound` milliseconds: those beyond the first bucket that ends there or later."""
        return self.timed - next((self.times[end] for end in sorted(self.times) if end >= bound), self.timed)

    def quantile(self, share: float) -> float | None:
        """The end of the bucket, in milliseconds, that `share` of the answers do not exceed; None without answers."""
        wanted = share * self.timed
        return next((end for end in sorted(self.times) if self.timed and self.times[end] >= wanted), None)


def _bounds(one: Scrape | Counts, other: Scrape | Counts) -> list[float]:
    return sorted({*one.times, *other.times})


class Evidence(Struct, frozen=True):
    """A bettor's purse against one claim: 1 at first, and below 1/α for ever, with chance 1 - α, where the claim holds.

    `stakes` rides on the alternatives, one each; `reserve` waits for a change that comes late.
    """

    stakes: tuple[float, ...] = ()
    reserve: float = 1.0
    bets: int = 0
    peak: float = 1.0

    @property
    def value(self) -> float:
        """The E-value now."""
        return self.reserve + sum(self.stakes)


class Trial(Struct, frozen=True):
    """Two purses on one question: that the new revision is worse than allowed, and that it is not."""

    worse: Evidence = field(default_factory=Evidence)
    fine: Evidence = field(default_factory=Evidence)


class State(Struct, frozen=True):
    """All that was seen in one judged step. A new step starts with a new one: two steps share no result."""

    ticks: int = 0
    missed: int = 0
    """Ticks without data."""
    new: Counts = field(default_factory=Counts)
    old: Counts = field(default_factory=Counts)
    trials: Mapping[Question, Trial] = field(default_factory=dict)


class Ruling(StrEnum):
    ABORT = "abort"
    PASS = "pass"  # noqa: S105  (not a password)
    HOLD = "hold"
    """No verdict yet."""


class Reading(Struct, frozen=True):
    """How far one question has come: E-values for `worse` and `fine`, `needed` for a verdict, shares as counted."""

    question: Question
    worse: float
    fine: float
    needed: float
    new: float | None
    """The new revision's share of failed, or slow, requests, or of failed probes; None where there were none."""
    against: float | None
    """The old revision's share, or the limit."""


class Opinion(Struct, frozen=True):
    """`why` gives the reason in words; `missing` what a verdict still lacks."""

    ruling: Ruling
    why: str
    missing: tuple[str, ...]
    readings: tuple[Reading, ...]
    new: Counts
    old: Counts
