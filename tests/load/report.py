"""What happened, as numbers that a test can judge."""

from __future__ import annotations

import msgspec


class Answers(msgspec.Struct):
    """Complete answers of one version (response header X-Version) with one status; times are seconds from the start."""

    version: str
    status: int
    count: int
    first: float
    last: float


class Failure(msgspec.Struct):
    """A request that was sent, or could not be, and got no complete and successful answer.

    at      seconds from the start
    clock   Unix time, to compare with logs
    kind    keep-alive, one-shot, slow, websocket or stream
    reason  one of the words in tests/load/http.py, or "status 503"
    version of the replica that answered wrongly, where it said so
    """

    at: float
    clock: float
    kind: str
    reason: str
    detail: str
    version: str


class Latency(msgspec.Struct):
    """In milliseconds, connecting included."""

    p50: float
    p99: float
    max: float


class Sessions(msgspec.Struct):
    """Long-lived connections of one kind.

    opened    successful handshakes
    messages  echoes or events received
    lost      messages sent that were never echoed
    closes    how they ended, by name: ended, cut, reset, silent, malformed, refused, or a WebSocket's close code
    gap       the longest time from an end to the next opening, in seconds
    versions  handshakes by version
    """

    opened: int = 0
    messages: int = 0
    lost: int = 0
    closes: dict[str, int] = {}
    gap: float = 0.0
    versions: dict[str, int] = {}


class Report(msgspec.Struct):
    """
    requests        sent by keep-alive, one-shot and slow clients; `failed` counts every failure, of sessions too
    reasons         failures by reason; `failures` has the first 200 of them
    idle_closes     kept connections that the server closed while nothing was under way, seen in time (legal)
    asked_to_close  answers with "Connection: close" on kept connections (legal)
    """

    seconds: float = 0.0
    requests: int = 0
    failed: int = 0
    answers: list[Answers] = []
    reasons: dict[str, int] = {}
    failures: list[Failure] = []
    latency: dict[str, Latency] = {}
    idle_closes: int = 0
    asked_to_close: int = 0
    websockets: Sessions = msgspec.field(default_factory=Sessions)
    streams: Sessions = msgspec.field(default_factory=Sessions)

    @property
    def versions(self) -> dict[str, int]:
        """Complete answers by version."""
        total: dict[str, int] = {}
        for entry in self.answers:
            total[entry.version] = total.get(entry.version, 0) + entry.count
        return total

    def summary(self) -> str:
        """A few lines for a human, or for a failed assertion."""
        lines = [f"{self.failed} failed of {self.requests} requests in {self.seconds:.1f} s"]
        lines += [
            f"  {entry.count} x {entry.status} from {entry.version}, {entry.first:.2f} to {entry.last:.2f} s"
            for entry in self.answers
        ]
        lines += [f"  {reason}: {count}" for reason, count in sorted(self.reasons.items())]
        lines += [
            f"  at {failure.at:.3f} s {failure.kind}: {failure.reason} {failure.version} {failure.detail}".rstrip()
            for failure in self.failures[:10]
        ]
        return "\n".join(lines)
