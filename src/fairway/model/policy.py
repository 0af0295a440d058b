"""What fairway.yaml says about one service: how users reach it, when it is ready, how a new revision takes over."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Requests for any of `hosts` (`*` means any) under `path` go to `port` of the service's replicas. Times in seconds."""

    hosts: tuple[str, ...]
    port: int
    path: str = "/"
    timeout: float = 0.0
    """The longest a request may take; 0 is no limit."""
    retries: int = 2
    """How often a request that never reached a replica is tried on another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """`http` is asked on the route's port; else the healthcheck decides; else `min_ready` seconds of running do."""

    http: str | None = None
    port: int | None = None
    status: int | None = None
    """The exact status that means ready; any 2xx or 3xx where it is None."""
    min_ready: float = 0.0
    deadline: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """`surge`: how many new replicas start at a time; None starts all of them before anything old goes. Times in seconds."""

    strategy: str = "rolling"
    surge: int | None = None
    pause: float = 0.0
    """Between two batches."""
    monitor: float = 0.0
    """How long a batch is watched, with traffic, before the next one: a replica that dies in it fails the release."""
    drain_timeout: float | None = None
    """The longest that streams and WebSockets may go on in a replica that is to stop; None is the service's grace period."""
    deadline: float = 600.0
    why: str = ""
    """Why this strategy was chosen where the files did not name it: shown in the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePolicy:
    route: Route | None = None
    ready: Ready = Ready()
    rollout: Rollout = Rollout()
