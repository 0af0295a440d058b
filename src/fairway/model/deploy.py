"""What Compose's `deploy` says of a service: how many, where, with what, and how it is renewed. Units as in `model.app`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field


class Resources(Struct, frozen=True, kw_only=True):
    """cpus as a number of cores, memory in bytes."""

    cpus: float | None = None
    memory: int | None = None
    pids: int | None = None
    devices: tuple[Mapping[str, Any], ...] = ()
    generic: tuple[Mapping[str, Any], ...] = ()


class RestartPolicy(Struct, frozen=True, kw_only=True):
    """`condition`: none, on-failure, any. `restart: unless-stopped` keeps `stays_stopped`."""

    condition: str = "none"
    delay: float | None = None
    max_attempts: int | None = None
    window: float | None = None
    stays_stopped: bool = False


class UpdateConfig(Struct, frozen=True, kw_only=True):
    """deploy.update_config and deploy.rollback_config. `parallelism` 0 means all at once."""

    parallelism: int = 1
    delay: float = 0.0
    failure_action: str = "pause"
    monitor: float = 0.0
    max_failure_ratio: float = 0.0
    order: str = "stop-first"

    def may_fail(self, replicas: int) -> int:
        """How many of so many replicas may fail: never all of them."""
        return max(0, min(int(replicas * self.max_failure_ratio + 1e-9), replicas - 1))


class Preference(Struct, frozen=True, kw_only=True):
    spread: str


class Placement(Struct, frozen=True, kw_only=True):
    constraints: tuple[str, ...] = ()
    preferences: tuple[Preference, ...] = ()
    max_replicas_per_node: int | None = None


class Deploy(Struct, frozen=True, kw_only=True):
    """`replicas` is what `deploy.replicas`, else `scale`, says; 1 where neither does."""

    mode: str = "replicated"
    replicas: int = 1
    labels: Mapping[str, str] = field(default_factory=dict)
    limits: Resources = Resources()
    reservations: Resources = Resources()
    restart_policy: RestartPolicy | None = None
    update_config: UpdateConfig | None = None
    rollback_config: UpdateConfig | None = None
    placement: Placement = Placement()
    endpoint_mode: str | None = None
