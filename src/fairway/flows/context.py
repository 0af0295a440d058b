"""What a story needs to act on one environment: the ports, already connected."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from fairway.model.environment import Environment
from fairway.model.garbage import Retention
from fairway.model.release import Release
from fairway.ports import Console, Engine, KeptFiles, Leases, Ledger, Metrics, Signals, Traffic, Trail
from fairway.ports.certificates import Certifying
from fairway.rollout.course import moment


def iso(seconds: float) -> str:
    """ISO 8601, UTC, to the second, of seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def now() -> str:
    return iso(time.time())


def none_lost() -> None:
    """No host may be lost."""


async def nothing(_release: Release) -> Mapping[str, Any]:
    return {}


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
    files: KeptFiles | None = None
    """The files of earlier releases on the hosts; None where nobody keeps any."""
    values: Callable[[Release], Awaitable[Mapping[str, bytes]]] = nothing
    """The secrets of a release, as far as this machine gets them, in the versions that it pins."""
    retention: Retention = Retention()
    """Which releases stay whole."""
    metrics: Metrics | None = None
    """What the application's own monitoring has counted; None where nobody can ask it."""
    wait: float = 0.0
    """Seconds to wait for a lease that somebody else holds."""
    clock: Callable[[], str] = now
    """The environment's own time, where it has one: deployers on different machines may differ."""
    lost: Callable[[], Mapping[str, str]] = dict
    """The hosts that do not answer, by name, and why."""
    accept: Callable[[], None] = none_lost
    """Called by whoever makes good, with the hosts that are left: more may be lost from then on than while something is changed."""
    waiting: Callable[[Release], Awaitable[Mapping[str, str]]] = nothing
    """Services of a release whose data is on a host that does not answer, and that host: nothing can be done for them."""
    fleet: bool = False
    """Whether there are several hosts: then services find each other through the gateways."""
    certifying: Certifying | None = None
    """How it gets certificates for users; None where its settings have no TLS."""
    stops_on_loss: bool = False
    """Whether all stays as it is when a host is lost, until somebody says what next."""

    trail: Trail | None = None
    """Where it is written down what was done; None where nobody asks."""
    begins: Callable[[Release], Awaitable[None]] | None = None
    """Called beside the first steps of a release that was not in the ledger: what has to be kept with it."""

    @property
    def seconds(self) -> float:
        """The same, in seconds since the epoch."""
        return moment(self.clock())
