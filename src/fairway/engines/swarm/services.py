"""Services of a Swarm: made, sized, removed, and waited for."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from typing import Any

from fairway.engines.docker.errors import hint
from fairway.engines.swarm.nodes import SWARM
from fairway.model.errors import EngineError
from fairway.net.client import DockerError
from fairway.net.managers import OVERTAKEN, Managers
from fairway.render.names import label_filter

Json = Mapping[str, Any]
TAKEN = 409
REMOVE = "docker service rm"
EVERY = 0.2
"""Seconds between two looks: Swarm has no events of tasks."""
ENDED = ("complete", "failed", "rejected", "shutdown", "orphaned", "remove")
PATIENCE = 10.0
"""Seconds beyond the grace period that tasks have to go; those of a node that is lost are not waited for."""


class Services:
    def __init__(self, managers: Managers) -> None:
        self.managers = managers

    async def get(self, name: str) -> Json | None:
        return await self.managers.found(f"services/{name}")

    async def listed(self, labels: Mapping[str, str]) -> list[Json]:
        return list(await self.managers.get("services", filters={"label": label_filter(labels)}))

    async def tasks(self, labels: Mapping[str, str]) -> list[Json]:
        """Of the services that bear the labels, those that are being removed too."""
        return list(await self.managers.get("tasks", filters={"label": label_filter(labels)}))

    async def create(self, body: Json, auth: Mapping[str, str] | None) -> bool:
        """False where there is one of that name already."""
        headers = {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(auth).encode()).decode()} if auth else {}
        try:
            await self.managers.call("POST", "services/create", {}, body, headers=headers)
        except DockerError as error:
            if error.status == TAKEN or "already in use" in error.message or "name conflicts" in error.message:
                return False
            raise EngineError(
                f"{body['Name']} could not be made", where=SWARM, why=error.message, hint=hint(error.message)
            ) from error
        return True

    async def scale(self, name: str, replicas: int, *, only_up: bool = False) -> None:
        """`only_up`: it stays as it is where it has as many. Nothing where it is gone, or global."""
        while (service := await self.get(name)) is not None:
            mode = service["Spec"].get("Mode") or {}
            has = (mode.get("Replicated") or {}).get("Replicas")
            if has is None or has == replicas or (only_up and has > replicas):
                return
            spec = {**service["Spec"], "Mode": {"Replicated": {"Replicas": replicas}}}
            try:
                await self.managers.post(
                    f"services/{service['ID']}/update", spec, version=int(service["Version"]["Index"])
                )
            except DockerError as error:
                if OVERTAKEN not in error.message:  # somebody else has changed it meanwhile
                    raise
            else:
                return

    async def remove(self, name: str) -> None:
        await self.managers.remove(f"services/{name}")

    async def ended(self, labels: Mapping[str, str], stays: int, lost: frozenset[str]) -> None:
        """Until no more than so many tasks run. Those on nodes that are lost are not waited for."""
        began = time.monotonic()
        while True:
            running = [
                task
                for task in await self.tasks(labels)
                if task["Status"]["State"] not in ENDED and task.get("NodeID") not in lost
            ]
            if len(running) <= stays:
                return
            if time.monotonic() - began > max(map(_grace, running)) + PATIENCE:
                return  # Swarm goes on by itself, and nothing is sent to them any more
            await asyncio.sleep(EVERY)


def _grace(task: Json) -> float:
    said = (task["Spec"].get("ContainerSpec") or {}).get("StopGracePeriod")
    return 10.0 if said is None else float(said) / 1e9
