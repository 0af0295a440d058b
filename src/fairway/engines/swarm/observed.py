"""What the managers say of tasks, as replicas: one for each slot of a service, whichever task fills it now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fairway.engines.docker.observed import seconds
from fairway.engines.swarm.nodes import Node
from fairway.model.environment import Environment
from fairway.model.errors import shorten
from fairway.model.fleet import Health, Replica, State
from fairway.model.hosts import HostState
from fairway.render import names

Json = Mapping[str, Any]
ALIVE = ("running", "ready", "accepted", "complete")
"""What Swarm wants of a task that has not been given up; `complete` of a job's."""
ENDED = ("complete", "failed", "rejected", "shutdown", "orphaned")
CRASHED = ("failed", "rejected", "complete")


def replicas(tasks: Iterable[Json], nodes: Sequence[Node], environment: Environment) -> tuple[Replica, ...]:
    """By service, release and index."""
    known = {node.id: node for node in nodes}
    read = (_replica(found, known, environment) for found in slots(tasks).values())
    return tuple(sorted((r for r in read if r), key=lambda r: (r.revision.service, r.revision.release, r.index)))


def by_replica(tasks: Iterable[Json]) -> Mapping[str, Json]:
    """The task that fills each replica now, by the replica's id."""
    found = {identity: current(slot) for identity, slot in slots(tasks).items()}
    return {identity: task for identity, task in found.items() if task}


def slots(tasks: Iterable[Json]) -> dict[str, list[Json]]:
    """The tasks of each slot, oldest first, by the id of the replica. A global service has a slot on each node."""
    found: dict[str, list[Json]] = defaultdict(list)
    for task in sorted(tasks, key=_age):
        found[f"{task['ServiceID']}.{task.get('Slot') or task.get('NodeID') or ''}"].append(task)
    return found


def current(tasks: Sequence[Json]) -> Json | None:
    """Of the tasks of one slot, oldest first: that which fills it, or was the last to do so."""
    wanted = [task for task in tasks if task["DesiredState"] in ALIVE]
    return wanted[-1] if wanted else tasks[-1] if tasks else None


def _replica(tasks: Sequence[Json], nodes: Mapping[str, Node], environment: Environment) -> Replica | None:
    """None where the labels are not those of a replica, or it is gone."""
    task = current(tasks)
    if task is None or _given_up(task):
        return None
    labels = (task["Spec"].get("ContainerSpec") or {}).get("Labels") or {}
    node = nodes.get(task.get("NodeID") or "")
    try:
        revision = names.revision(labels)
    except (KeyError, ValueError):
        return None
    index = int(task.get("Slot") or (node.rank if node else 0))
    state, health = _state(task, node)
    crashes = [one for one in tasks if one is not task and one["Status"]["State"] in CRASHED]
    return Replica(
        id=f"{task['ServiceID']}.{task.get('Slot') or task.get('NodeID') or ''}",
        name=names.replica(environment, revision, index),
        revision=revision,
        index=index,
        host=node.name if node else "",
        address=address(task, labels.get(names.NETWORK, ""), node),
        state=state,
        health=health,
        created=seconds(task["CreatedAt"]),
        started=seconds(task["Status"].get("Timestamp", "")) if state is State.RUNNING else 0.0,
        exit_code=exit_code(task) if state in (State.EXITED, State.DEAD) else None,
        restarts=len(crashes),
        image=task["Spec"]["ContainerSpec"]["Image"],
        complaint=_complaint(task, crashes, node),
        rooted=any(one.get("Type") in ("volume", "bind") for one in task["Spec"]["ContainerSpec"].get("Mounts") or ()),
    )


def _given_up(task: Json) -> bool:
    """Whether Swarm has stopped it, and wants none in its place: what ends by itself is not `shutdown`."""
    state, wanted = task["Status"]["State"], task["DesiredState"]
    return bool((wanted == "remove" and state in ENDED) or (wanted == "shutdown" and state == "shutdown"))


def _state(task: Json, node: Node | None) -> tuple[State, Health]:
    """Swarm calls a task running once its healthcheck, if there is one, has passed; until then it is starting."""
    status, checked = task["Status"]["State"], _checked(task)
    if task["DesiredState"] == "remove" or (task["DesiredState"] == "shutdown" and status not in ENDED):
        return State.REMOVING, Health.NONE
    if status == "running":
        if node and node.host.state is HostState.LOST:
            return State.RESTARTING, Health.NONE  # Swarm is about to start it elsewhere
        return State.RUNNING, Health.HEALTHY if checked else Health.NONE
    if status in ENDED:
        return State.DEAD if status in ("rejected", "orphaned") else State.EXITED, Health.NONE
    if status == "starting" and checked and container(task):
        return State.RUNNING, Health.STARTING
    return State.CREATED, Health.NONE


def _checked(task: Json) -> bool:
    test = (task["Spec"]["ContainerSpec"].get("Healthcheck") or {}).get("Test")
    return bool(test) and test != ["NONE"]


def container(task: Json) -> str:
    """The id of its container; nothing where it has none yet."""
    return str((task["Status"].get("ContainerStatus") or {}).get("ContainerID") or "")


def exit_code(task: Json) -> int:
    return int((task["Status"].get("ContainerStatus") or {}).get("ExitCode") or 0)


def reason(task: Json) -> str:
    """Swarm's own words for why a task does not run."""
    return shorten(str(task["Status"].get("Err") or ""), 300)


def _complaint(task: Json, crashes: Sequence[Json], node: Node | None) -> str:
    if node and node.host.state is HostState.LOST:
        return f"its node {node.name} does not answer"
    return reason(task) or (reason(crashes[-1]) if crashes else "")


def address(task: Json, network: str, node: Node | None) -> str:
    """Where the gateway reaches it."""
    if network == "host":
        return node.address if node else ""
    for attached in task.get("NetworksAttachments") or ():
        if attached["Network"]["Spec"]["Name"] == network and attached.get("Addresses"):
            return str(attached["Addresses"][0]).partition("/")[0]
    return ""


def _age(task: Json) -> tuple[str, int]:
    return task["CreatedAt"], task["Version"]["Index"]
