"""python -m bench.judge [RUNS]: the judge, beside two rules of thumb, over simulated rollouts. Default: 2,000 runs a line.

A tick has 50, 500 or 5,000 requests, of which 10 % or 50 % go to the new revision. Both revisions fail by the same chance
(every abort is false), or the new one by four times as much (every abort is a detection). With bursts, one tick in twenty
has ten times the errors on both sides; with a lone burst, one tick a run has them on the new side only. All rules see the
same counts. "1 %" aborts on the first tick in which more than 1 % of the new revision's requests failed, "5 failures" on
the fifth. The judge has its default policy and compares errors, without a limit unless a table says so.
"""

from __future__ import annotations

import statistics
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from math import exp, lgamma, log, log1p
from random import Random

from fairway.model.judgement import Counts, JudgePolicy, Ruling, State
from fairway.rollout.judge import observe, opinion, questions

TICKS = {50: 200, 500: 200, 5000: 30}
RATES = (0.001, 0.005, 0.015)
SHARES = (0.1, 0.5)
RULES = ("judge", "1 %", "5 failures")


@dataclass(frozen=True, slots=True)
class World:
    """One kind of rollout. `worse`: the new revision's errors, as a multiple of the old one's, from tick `since` on."""

    traffic: int
    rate: float
    share: float
    worse: float = 1.0
    since: int = 0
    bursts: bool = False
    lone: bool = False
    control: bool = True

    @property
    def ticks(self) -> int:
        return TICKS[self.traffic]

    def run(self, random: Random) -> Iterator[tuple[Counts, Counts]]:
        n_new = round(self.traffic * self.share)
        n_old = self.traffic - n_new if self.control else 0
        alone = random.randrange(self.ticks) if self.lone else -1
        for tick in range(self.ticks):
            rate = self.rate * (10 if self.bursts and random.random() < 0.05 else 1)
            new = rate * (self.worse if tick >= self.since else 1) * (10 if tick == alone else 1)
            yield Counts(n_new, binomial(random, n_new, new)), Counts(n_old, binomial(random, n_old, rate))


@cache
def _table(n: int, p: float) -> list[float]:
    """The binomial's cumulative chances, until nothing is left."""
    table, total = [], 0.0
    for k in range(n + 1):
        total += exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p))
        table.append(total)
        if total > 1 - 1e-14 and k > n * p:
            break
    return table


def binomial(random: Random, n: int, p: float) -> int:
    if not n:
        return 0
    table = _table(n, p)
    return min(bisect_left(table, random.random()), len(table) - 1)


@dataclass(slots=True)
class Tally:
    """By rule: the tick, from 1, of each run that it aborted. `passed`: the same for the judge's early passes."""

    runs: int
    aborts: dict[str, list[int]] = field(default_factory=lambda: {rule: [] for rule in RULES})
    passed: list[int] = field(default_factory=list)

    def share(self, rule: str) -> float:
        return len(self.aborts[rule]) / self.runs


def simulate(world: World, policy: JudgePolicy, runs: int) -> Tally:
    tally = Tally(runs)
    for seed in range(runs):
        ended, passed = _one(world, policy, Random(f"{world} {seed}"))
        for rule, tick in ended.items():
            tally.aborts[rule].append(tick)
        tally.passed += passed
    return tally


def _one(world: World, policy: JudgePolicy, random: Random) -> tuple[dict[str, int], list[int]]:
    """The tick at which each rule aborted one run, and that at which the judge would have let it go on early."""
    state, failed, needed = State(), 0, len(questions(policy)) / policy.alpha
    ended: dict[str, int] = {}
    passed: list[int] = []
    for tick, (new, old) in enumerate(world.run(random), 1):
        failed += new.errors > 0.01 * new.requests
        for rule, least in (("1 %", 1), ("5 failures", 5)):
            if failed >= least:
                ended.setdefault(rule, tick)
        if "judge" not in ended:
            state = observe(policy, state, new, old)
            trials = state.trials.values()
            if any(t.worse.peak >= needed or (not passed and t.fine.value >= needed) for t in trials):
                ruling = opinion(policy, state).ruling
                if ruling is Ruling.ABORT:
                    ended["judge"] = tick
                elif ruling is Ruling.PASS and not passed:
                    passed.append(tick)
        if len(ended) == len(RULES):
            break
    return ended, passed


def _median(ticks: list[int]) -> str:
    return f"{statistics.median(ticks):.0f}" if ticks else "-"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _name(world: World) -> str:
    bursts = "bursts" if world.bursts else "lone burst" if world.lone else ""
    return f"{world.traffic:>5} {100 * world.rate:>4.1f} % {100 * world.share:>3.0f} %  {bursts:<10}"


HEAD = "a tick  rate  new   bursts    "


def false_aborts(runs: int) -> float:
    """Prints them; the worst share of them that the judge had where the revisions are the same."""
    print("\nBoth revisions the same: share of runs aborted, all of them falsely; early passes and their median tick\n")
    print(f"{HEAD}| {'judge':>8} {'1 %':>8} {'5 failures':>11} | {'passed':>8} {'at':>5}")
    worst = 0.0
    calm = [World(n, rate, share) for n in TICKS for rate in RATES for share in SHARES]
    burst = [World(n, rate, share, bursts=True) for n in TICKS for rate in RATES for share in SHARES]
    lone = [World(n, 0.005, share, lone=True) for n in TICKS for share in SHARES]
    for world in calm + burst + lone:
        tally = simulate(world, JudgePolicy(), runs)
        shares = [_percent(tally.share(rule)) for rule in RULES]
        passed = f"{_percent(len(tally.passed) / runs):>8} {_median(tally.passed):>5}"
        print(f"{_name(world)}| {shares[0]:>8} {shares[1]:>8} {shares[2]:>11} | {passed}", flush=True)
        worst = max(worst, tally.share("judge"))
    return worst


def detections(runs: int) -> float:
    """Prints them; the least share that the judge found at 500 requests a tick."""
    print("\nThe new revision fails four times as often: share of runs aborted, and the median tick\n")
    print(f"{HEAD}| {'judge':>8} {'at':>5} | {'1 %':>8} {'at':>5} | {'5 failures':>10} {'at':>5} | passed")
    least = 1.0
    for bursts in (False, True):
        for world in (World(n, rate, share, 4.0, bursts=bursts) for n in TICKS for rate in RATES for share in SHARES):
            tally = simulate(world, JudgePolicy(), runs)
            told = [f"{_percent(tally.share(rule)):>8} {_median(tally.aborts[rule]):>5}" for rule in RULES]
            print(
                f"{_name(world)}| {told[0]} | {told[1]} |   {told[2]} | {_percent(len(tally.passed) / runs)}",
                flush=True,
            )
            least = min(least, tally.share("judge") if world.traffic == 500 else 1.0)
    return least


LIMITED = JudgePolicy(limit_errors=0.01)
ALONE = JudgePolicy(compare=(), limit_errors=0.01)
OTHERS: tuple[tuple[str, World, JudgePolicy], ...] = (
    ("exactly 1.2 times the errors: the edge of what is allowed", World(500, 0.015, 0.5, 1.2), JudgePolicy()),
    ("four times, from tick 100 of 200 on", World(500, 0.005, 0.5, 4.0, since=100), JudgePolicy()),
    ("limit 1 %; nothing to compare with; at 1 %, the edge", World(500, 0.01, 1.0, control=False), ALONE),
    ("limit 1 %; nothing to compare with; at 0.5 %", World(500, 0.005, 1.0, control=False), ALONE),
    ("limit 1 %; nothing to compare with; at 2 %", World(500, 0.02, 1.0, control=False), ALONE),
    ("limit 1 % and comparison; both at 0.5 %", World(500, 0.005, 0.5), LIMITED),
    ("limit 1 % and comparison; both at 5 %", World(500, 0.05, 0.5), LIMITED),
    ("limit 1 % and comparison; 0.5 %, with shared bursts", World(500, 0.005, 0.5, bursts=True), LIMITED),
    ("limit 1 % and comparison; 0.1 % against 0.4 %", World(500, 0.001, 0.5, 4.0), LIMITED),
    ("limit 1 % and comparison; 0.5 % against 2 %", World(500, 0.005, 0.5, 4.0), LIMITED),
)


def others(runs: int) -> None:
    print("\nThe judge alone, at 500 requests a tick: aborts and early passes, and their median ticks\n")
    for name, world, policy in OTHERS:
        tally = simulate(world, policy, runs)
        aborted = f"{_percent(tally.share('judge')):>8} {_median(tally.aborts['judge']):>5}"
        passed = f"{_percent(len(tally.passed) / runs):>8} {_median(tally.passed):>5}"
        print(f"{name:<60}| {aborted} aborted | {passed} passed", flush=True)


def main(runs: int) -> None:
    began = time.process_time()
    print(f"{runs} runs a line; " + ", ".join(f"{ticks} ticks at {n} requests" for n, ticks in TICKS.items()))
    worst, least = false_aborts(runs), detections(runs)
    others(runs)
    alpha = JudgePolicy().alpha
    print(
        f"\nFalse aborts of the judge: {_percent(worst)} of runs in the worst line; asked for: at most {_percent(alpha)}"
    )
    print(f"Detections of the judge at 500 requests a tick: {_percent(least)} in the worst line; asked for: 95.0 %")
    print(f"({time.process_time() - began:.0f} s of processor time)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
