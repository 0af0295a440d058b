"""Counting while it happens."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tests.load.http import Failed, Head
from tests.load.report import Answers, Failure, Latency, Report, Sessions

REMEMBERED = 200


@dataclass
class Tally:
    began: float = field(default_factory=time.monotonic)
    requests: int = 0
    idle_closes: int = 0
    asked_to_close: int = 0
    websockets: Sessions = field(default_factory=Sessions)
    streams: Sessions = field(default_factory=Sessions)
    answers: dict[tuple[str, int], Answers] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    times: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def now(self) -> float:
        """Seconds from the start."""
        return time.monotonic() - self.began

    def answered(self, kind: str, head: Head, began: float) -> None:
        now = self.now
        self.times[kind].append(now - began)
        key = (head.version, head.status)
        entry = self.answers.setdefault(key, Answers(head.version, head.status, 0, now, now))
        entry.count += 1
        entry.last = now

    def failed(self, kind: str, failure: Failed) -> None:
        self.reasons[failure.reason] += 1
        if len(self.failures) < REMEMBERED:
            entry = Failure(self.now, time.time(), kind, failure.reason, failure.detail[:200], failure.version)
            self.failures.append(entry)

    def report(self) -> Report:
        return Report(
            seconds=self.now,
            requests=self.requests,
            failed=self.reasons.total(),
            answers=sorted(self.answers.values(), key=lambda entry: entry.first),
            reasons=dict(self.reasons),
            failures=self.failures,
            latency={kind: latency(times) for kind, times in self.times.items()},
            idle_closes=self.idle_closes,
            asked_to_close=self.asked_to_close,
            websockets=self.websockets,
            streams=self.streams,
        )


def latency(times: list[float]) -> Latency:
    ordered = sorted(times)

    def at(share: float) -> float:
        return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000, 3)

    return Latency(at(0.5), at(0.99), at(1.0))
