"""Before a node is emptied, what runs there runs elsewhere, too: Swarm itself would stop the one as it starts the other."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from fairway.engines.swarm import observed
from fairway.engines.swarm.services import EVERY, Services
from fairway.model.environment import Environment
from fairway.render import names

Json = Mapping[str, Any]
READY_WITHIN = 60.0
"""Seconds that the others get to run; a node may have to pull the image first."""
GIVEN_UP_WITHIN = 20.0
"""Seconds in which Swarm has begun to take away what runs on a node that is drained."""
SETTLED = 3.0
"""Seconds after which gateways have found those that run, and asked them whether they are ready."""


class Emptying:
    """Of what is replicated in one environment."""

    def __init__(self, services: Services, environment: Environment) -> None:
        self.services = services
        self.labels = names.of_environment(environment, names.Kind.REPLICA)

    async def grow(self, node: str) -> dict[str, tuple[int, int]]:
        """Each service gets as many more as it has on the node, on which nothing new is placed. Services by name: how many it had,
        and has. Where there is no place for more, it is not waited for."""
        here = Counter(task["ServiceID"] for task in await self.services.tasks(self.labels) if _runs_on(task, node))
        grown = {}
        for service in await self.services.listed(self.labels):
            had = _replicas(service)
            if had is not None and (more := here[service["ID"]]):
                await self.services.scale(service["ID"], had + more)
                grown[str(service["ID"])] = (had, had + more)
        if grown:
            await self._run(node, {service: had for service, (had, _) in grown.items()})
        return grown

    async def shrink(self, node: str, grown: Mapping[str, tuple[int, int]]) -> None:
        """To what they were, but for those that somebody else has changed meanwhile; returns when those that are too many have gone. Not
        before Swarm has given up those on the node: of those that are left it takes the ones that it has only begun to start in
        their place."""
        until = time.monotonic() + GIVEN_UP_WITHIN
        while grown and any(_runs_on(task, node) for task in await self.services.tasks(self.labels)):
            if time.monotonic() > until:
                break
            await asyncio.sleep(EVERY)
        for name, (had, has) in grown.items():
            service = await self.services.get(name)
            if service is not None and _replicas(service) == has:
                await self.services.scale(name, had)
                await self.services.ended(self.labels | _own(service), had, frozenset())

    async def _run(self, node: str, wanted: Mapping[str, int]) -> None:
        until = time.monotonic() + READY_WITHIN
        while time.monotonic() < until:
            tasks = [task for task in await self.services.tasks(self.labels) if task["DesiredState"] == "running"]
            elsewhere = [task for task in tasks if task.get("NodeID") != node]
            up = Counter(task["ServiceID"] for task in elsewhere if task["Status"]["State"] == "running")
            stuck = {task["ServiceID"] for task in elsewhere if not task.get("NodeID") and observed.reason(task)}
            if all(up[service] >= count or service in stuck for service, count in wanted.items()):
                await asyncio.sleep(SETTLED)
                return
            await asyncio.sleep(EVERY)


def _runs_on(task: Json, node: str) -> bool:
    return bool(task.get("NodeID") == node and task["DesiredState"] == "running")


def _own(service: Json) -> dict[str, str]:
    """The labels by which its tasks are told from those of the environment's other revisions."""
    labels = service["Spec"].get("Labels") or {}
    return {name: labels[name] for name in (names.SERVICE, names.RELEASE, names.REVISION) if name in labels}


def _replicas(service: Json) -> int | None:
    """None of a global one: it has none elsewhere that it lacks."""
    found = ((service["Spec"].get("Mode") or {}).get("Replicated") or {}).get("Replicas")
    return None if found is None else int(found)
