"""What is really there now, as observed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from fairway.model.environment import Environment
from fairway.model.release import Revision
from fairway.model.routes import Steering


class State(StrEnum):
    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"


class Health(StrEnum):
    NONE = "none"
    """The container has no healthcheck."""
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class Replica(Struct, frozen=True, kw_only=True):
    """One container of a revision. `started` and `created` are seconds since the epoch; `index` counts from 1 in the revision."""

    id: str
    name: str
    revision: Revision
    index: int
    host: str
    address: str = ""
    state: State = State.CREATED
    health: Health = Health.NONE
    created: float = 0.0
    started: float = 0.0
    exit_code: int | None = None
    oom_killed: bool = False
    restarts: int = 0
    image: str = ""
    complaint: str = ""
    """What the healthcheck said when it last failed, where the replica is unhealthy; or why the engine does not run it."""
    rooted: bool = False
    """It has data on its host: it cannot go elsewhere."""
    leaving: bool = False
    """Another one is to take its place: its host is drained, or was away."""

    @property
    def alive(self) -> bool:
        """Runs, and no healthcheck says that it is ill (it may not have said anything yet)."""
        return self.state is State.RUNNING and self.health is not Health.UNHEALTHY

    @property
    def up(self) -> bool:
        """Runs, and its healthcheck, if there is one, has passed."""
        return self.state is State.RUNNING and self.health in (Health.NONE, Health.HEALTHY)


Weights = Mapping[str, Mapping[str, int]]
"""For each routed service, the share of its traffic that each revision (by name) gets: parts of a whole, not percentages."""


class Fleet(Struct, frozen=True, kw_only=True):
    """`weights` and `steering` (by service) are what the gateway has confirmed; empty where nothing is routed, or steered."""

    environment: Environment
    replicas: tuple[Replica, ...] = ()
    weights: Weights = field(default_factory=dict)
    steering: Mapping[str, Steering] = field(default_factory=dict)
    serving: frozenset[str] = frozenset()
    """Ids of the replicas that the gateway sends requests to."""

    def of(self, revision: Revision) -> tuple[Replica, ...]:
        """By index; those that leave come last."""
        found = (replica for replica in self.replicas if replica.revision == revision)
        return tuple(sorted(found, key=lambda replica: (replica.leaving, replica.index)))

    def revisions(self, service: str | None = None) -> tuple[Revision, ...]:
        """Oldest first."""
        found = {r.revision for r in self.replicas if service in (None, r.revision.service)}
        return tuple(sorted(found, key=lambda revision: (revision.release, revision.service)))
