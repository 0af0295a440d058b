"""What Docker says of a container, as a Replica."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fairway.model.environment import Environment
from fairway.model.errors import shorten
from fairway.model.fleet import Health, Replica, State
from fairway.net.client import Docker, DockerError
from fairway.render import names

Json = Mapping[str, Any]
GONE = (404, 409)
"""The statuses of a container that is removed, or about to be."""


async def inspected(docker: Docker, labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every container, running or not, that bears the labels: one list call, then all inspected side by side.

    The list alone will not do: it lags behind the events, and has neither start times nor why a container ended.
    """
    found = await asyncio.gather(*(inspect(docker, container["Id"]) for container in await listed(docker, labels)))
    return [container for container in found if container]


async def listed(docker: Docker, labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every container, running or not, that bears the labels, as Docker lists it."""
    return list(await docker.get("containers/json", all=True, filters={"label": names.label_filter(labels)}))


async def inspect(docker: Docker, container: str) -> dict[str, Any] | None:
    """None where it is gone."""
    try:
        return dict(await docker.get(f"containers/{container}/json"))
    except DockerError as error:
        if error.status in GONE:
            return None
        raise


async def replicas(docker: Docker, environment: Environment, host: str) -> tuple[Replica, ...]:
    """By service, release and index."""
    found = await inspected(docker, names.of_environment(environment, names.Kind.REPLICA))
    read = (replica(container, host) for container in found)
    return tuple(sorted((r for r in read if r), key=lambda r: (r.revision.service, r.revision.release, r.index)))


def replica(container: Json, host: str) -> Replica | None:
    """None where the labels are not those of a replica."""
    labels, state = container["Config"].get("Labels") or {}, container["State"]
    try:
        revision, index = names.revision(labels), int(labels[names.INDEX])
    except (KeyError, ValueError):
        return None
    status = State(state["Status"]) if state["Status"] in set(State) else State.DEAD
    ended = status in (State.EXITED, State.DEAD, State.RESTARTING)
    return Replica(
        id=container["Id"],
        name=container["Name"].removeprefix("/"),
        revision=revision,
        index=index,
        host=host,
        address=address(container),
        state=status,
        health=health(state),
        created=seconds(container["Created"]),
        started=seconds(state.get("StartedAt", "")),
        exit_code=state.get("ExitCode") if ended else None,
        oom_killed=bool(state.get("OOMKilled")),
        restarts=container.get("RestartCount", 0),
        image=container["Image"],
        complaint=complaint(state),
        rooted=rooted(container),
    )


def rooted(container: Json) -> bool:
    """Whether it mounts a volume or a directory of its host, other than that of its configs and secrets."""
    files = (container["Config"].get("Labels") or {}).get(names.FILES)
    return any(
        mount.get("Type") in ("volume", "bind") and mount.get("Name") != files and mount.get("Source")
        for mount in container.get("Mounts") or ()
    )


def address(container: Json) -> str:
    """Where the gateway reaches it; the fixed address holds whether the container runs or not."""
    network = (container["Config"].get("Labels") or {}).get(names.NETWORK, "")
    if network == "host":
        return "127.0.0.1"
    joined = (container["NetworkSettings"].get("Networks") or {}).get(network) or {}
    return str((joined.get("IPAMConfig") or {}).get("IPv4Address") or joined.get("IPAddress") or "")


def health(state: Json) -> Health:
    status = (state.get("Health") or {}).get("Status") or "none"
    return Health(status) if status in set(Health) else Health.NONE


def complaint(state: Json) -> str:
    """The last words of a healthcheck that fails."""
    if health(state) is not Health.UNHEALTHY:
        return ""
    log = (state.get("Health") or {}).get("Log") or [{}]
    return shorten(str(log[-1].get("Output") or ""), 300)


def seconds(timestamp: str) -> float:
    """Since the epoch; 0 for Docker's way of saying never."""
    if not timestamp or timestamp.startswith("0001-"):
        return 0.0
    moment = datetime.fromisoformat(timestamp)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
