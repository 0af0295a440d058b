"""The logs of tasks as they are printed, those of tasks that come later too."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING

from fairway.engines.common.following import Follower
from fairway.engines.swarm import observed
from fairway.engines.swarm.logs import followed
from fairway.model.fleet import Replica

if TYPE_CHECKING:
    from fairway.engines.swarm.engine import SwarmEngine

EVERY = 1.0
"""Seconds between two looks for tasks that are new, or have ended."""


class TaskFollower(Follower):
    """All tasks of a slot are of one replica; where one crashes, the next one takes its place."""

    def __init__(self, engine: SwarmEngine, since: str | None) -> None:
        super().__init__(since)
        self.engine = engine
        self._ended: dict[str, asyncio.Event] = {}

    async def watch(self, services: Collection[str]) -> None:
        first = True
        while True:
            tasks = await self.engine.services.tasks(self.engine.labels)
            slots = observed.slots(tasks)
            for replica in observed.replicas(tasks, await self.engine.nodes.all(), self.engine.environment):
                if replica.revision.service in services:
                    for task in slots[replica.id]:
                        self._read(replica, task, first=first)
            runs = {task["ID"] for task in tasks if not _has_ended(task)}
            for identity in self._ended.keys() - runs:
                self._ended[identity].set()
            first = False
            await asyncio.sleep(EVERY)

    def _read(self, replica: Replica, task: observed.Json, *, first: bool) -> None:
        """One that had ended when we came was read with the backlog, up to where that ended."""
        if task["ID"] in self.readers or not observed.container(task):
            return
        if first and _has_ended(task) and replica.id not in self.seen:
            return
        since = self.start(replica.id) if first else self.since or "0"
        ended = self._ended[task["ID"]] = asyncio.Event()
        self.read(task["ID"], followed(self.engine.managers, task, replica, ended, since))


def _has_ended(task: observed.Json) -> bool:
    return task["Status"]["State"] in observed.ENDED
