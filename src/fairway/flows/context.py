"""What a story needs to act on one environment: the ports, already connected."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from msgspec import Struct

from fairway.model.environment import Environment
from fairway.ports import Console, Engine, Leases, Ledger, Metrics, Signals, Traffic
from fairway.rollout.course import moment


def iso(seconds: float) -> str:
    """ISO 8601, UTC, to the second, of seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def now() -> str:
    return iso(time.time())


class Target(Struct, frozen=True, kw_only=True):
    """One environment. `by` is user@machine; `doing` is the command, told to whoever finds the lease taken."""

    environment: Environment
    engine: Engine
    traffic: Traffic
    ledger: Ledger
    leases: Leases
    signals: Signals
    console: Console
    by: str
    doing: str
    metrics: Metrics | None = None
    """What the application's own monitoring has counted; None where nobody can ask it."""
    wait: float = 0.0
    """Seconds to wait for a lease that somebody else holds."""
    clock: Callable[[], str] = now
    """The environment's own time, where it has one: deployers on different machines may differ."""
    lost: Callable[[], Mapping[str, str]] = dict
    """The hosts that do not answer, by name, and why."""
    fleet: bool = False
    """Whether there are several hosts: then services find each other through the gateways."""
    stops_on_loss: bool = False
    """Whether all stays as it is when a host is lost, until somebody says what next."""

    @property
    def seconds(self) -> float:
        """The same, in seconds since the epoch."""
        return moment(self.clock())
