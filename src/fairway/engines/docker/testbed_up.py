"""When a service of a test may start, when everything is up, and when it never will be. Pure."""

from __future__ import annotations

from fairway.model.app import App, Service
from fairway.model.fleet import Fleet, Health, Replica, State
from fairway.render.docker import peers

CRASHES = 5
"""So many restarts: it will not come up."""


def replica_of(fleet: Fleet, service: str) -> Replica | None:
    return next((replica for replica in fleet.replicas if replica.revision.service == service), None)


def startable(app: App, service: Service, fleet: Fleet) -> bool:
    """Whether everything that it depends on has come as far as it asks for."""
    asked = {name: item.condition for name, item in service.depends_on.items() if name in app.services}
    asked |= {name: "service_started" for name in peers(service) if name not in asked}
    return all(_met(replica_of(fleet, name), condition) for name, condition in asked.items())


def _met(replica: Replica | None, condition: str) -> bool:
    if replica is None:
        return False
    match condition:
        case "service_healthy":
            return replica.state is State.RUNNING and replica.health is Health.HEALTHY
        case "service_completed_successfully":
            return done(replica)
        case _:
            return replica.state is State.RUNNING or done(replica)


def done(replica: Replica) -> bool:
    return replica.state is State.EXITED and replica.exit_code == 0


def is_up(replica: Replica | None) -> bool:
    """Healthy, or running where it has no healthcheck, or a job that is done."""
    return replica is not None and (replica.up or done(replica))


def hopeless(app: App, replica: Replica) -> str:
    """Why it will never be up, or nothing."""
    service = app.services.get(replica.revision.service)
    if replica.health is Health.UNHEALTHY:
        return f"it is unhealthy: {replica.complaint}" if replica.complaint else "it is unhealthy"
    if replica.restarts >= CRASHES:
        return f"it has crashed {replica.restarts} times"
    if replica.state in (State.EXITED, State.DEAD) and replica.exit_code and not _restarted(service, replica):
        memory = ", for it needed more memory than its limit" if replica.oom_killed else ""
        return f"it ended with exit status {replica.exit_code}{memory}"
    waiting = [
        other.name
        for other in app.services.values()
        for name, item in other.depends_on.items()
        if name == replica.revision.service and item.condition == "service_healthy"
    ]
    if waiting and replica.state is State.RUNNING and replica.health is Health.NONE:
        return f"{waiting[0]} waits for it to be healthy, and it has no healthcheck"
    return ""


def _restarted(service: Service | None, replica: Replica) -> bool:
    """Whether the engine starts it again: then it has not ended for good."""
    policy = (service.deploy.restart_policy or service.restart) if service else None
    if policy is None or policy.condition == "none":
        return False
    return policy.max_attempts is None or replica.restarts < policy.max_attempts
