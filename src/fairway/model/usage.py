"""What replicas use: counters as an engine tells them, and what two of them mean."""

from __future__ import annotations

from msgspec import Struct


class Sample(Struct, frozen=True, kw_only=True):
    """Counters of one container at one moment: `at` in seconds since the epoch, `cpu` in seconds of one CPU, the others in bytes.

    `memory` is without what the kernel can drop at once; `limit` is the container's, or all that the host has. None: not counted.
    """

    at: float
    cpu: float
    memory: int | None = None
    limit: int | None = None
    received: int | None = None
    sent: int | None = None
    read: int | None = None
    written: int | None = None
    pids: int | None = None
    why: str = ""
    """Why nothing is counted, though it runs: nobody who knows can be asked."""


class Usage(Struct, frozen=True, kw_only=True):
    """One replica. `state` is what it is when it does not run, or `lost` with its host, or `unseen`, and `why`; then nothing is counted.

    `cpu` is the share of one CPU: 1.5 is one and a half. The others are as in Sample, counted since the container started.
    """

    service: str
    replica: str
    host: str
    state: str = "running"
    why: str = ""
    cpu: float | None = None
    memory: int | None = None
    limit: int | None = None
    received: int | None = None
    sent: int | None = None
    read: int | None = None
    written: int | None = None
    pids: int | None = None


def cpu_share(before: Sample | None, after: Sample) -> float | None:
    """Between two samples of one container; None where there is no time between them, or it was started anew."""
    if before is None or after.at <= before.at or after.cpu < before.cpu:
        return None
    return (after.cpu - before.cpu) / (after.at - before.at)
