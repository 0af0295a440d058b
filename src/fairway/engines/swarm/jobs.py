"""Jobs of a release: each a service of one task, known by its name, so that a deployer who comes later finds what became of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from fairway.engines.common.jobs import LAST, Task, taken
from fairway.engines.common.together import together
from fairway.engines.docker.observed import seconds
from fairway.engines.swarm import observed
from fairway.engines.swarm.logs import last_lines
from fairway.engines.swarm.nodes import SWARM
from fairway.engines.swarm.objects import Objects
from fairway.engines.swarm.services import EVERY, REMOVE, Services
from fairway.model.environment import Environment
from fairway.model.errors import EngineError, JobFailed
from fairway.model.release import Release
from fairway.net.errors import translated
from fairway.ports import Ended
from fairway.render import names, swarm, swarm_names

Json = Mapping[str, Any]


class ServiceTask(Task, frozen=True, kw_only=True):
    """`auth`: what its image is pulled with."""

    auth: Mapping[str, str] | None = None
    kind: names.Kind = names.Kind.JOB

    @property
    def service(self) -> str:
        return swarm_names.job(self.release.environment, self.name, self.release.number)


class Jobs:
    def __init__(self, services: Services, objects: Objects) -> None:
        self.services = services
        self.objects = objects

    async def run(self, task: ServiceTask) -> Ended:
        """As `ports.Engine.run_once`. Whoever cancels it stops and removes the job."""
        with translated(SWARM, f"{task.service} could not be run"):
            found = await self._found(task)
            done = await self.task(task) if found else None
            if done and done["Status"]["State"] == "complete":
                return Ended(0, await self._said(done))
            try:
                if done is None or done["Status"]["State"] in observed.ENDED:
                    await self.begin(task)
                ended = await self.ended(task)
                if ended is None:
                    raise await self._stopped(task)
            except asyncio.CancelledError:
                await asyncio.shield(asyncio.ensure_future(self.services.remove(task.service)))
                raise
        return ended

    async def forget(self, environment: Environment, release: Release) -> None:
        with translated(SWARM, f"The jobs of release {release.number} could not be removed"):
            found = await self.services.listed(names.of_jobs(environment, release.number))
            await together(self.services.remove(one["ID"]) for one in found)

    async def _found(self, task: ServiceTask) -> Json | None:
        """The service of this very job."""
        found = await self.services.get(task.service)
        if found is None:
            return None
        labels = found["Spec"].get("Labels") or {}
        if not names.of_environment(task.release.environment, task.kind).items() <= labels.items():
            raise taken(task.service, SWARM, "service", REMOVE)
        return found if labels.get(names.DEFINITION) == task.definition else None

    async def begin(self, task: ServiceTask) -> None:
        """Make it, in the place of whatever an earlier attempt has left."""
        declared = task.release.app.services[task.revision.service]
        met = swarm.met(task.release, declared.name)
        files = await self.objects.prepare(task.release, declared, task.secrets, met=met)
        body = swarm.job(
            task.release,
            task.revision,
            files,
            name=task.name,
            job=task.job,
            environment=task.environment,
            kind=task.kind,
        )
        await self.services.remove(task.service)
        await self.services.create(body, task.auth)

    async def ended(self, task: ServiceTask) -> Ended | None:
        """None where it did not end in time, counted from when it was made."""
        until = None
        while True:
            found = await self.task(task)
            if found:
                if found["Status"]["State"] in observed.ENDED:
                    failed = found["Status"]["State"] != "complete"
                    code = observed.exit_code(found) or (1 if failed else 0)
                    said = await self._said(found)
                    return Ended(code, said or (observed.reason(found) if failed else ""))
                if until is None:
                    until = time.monotonic() + task.job.timeout - await self._age(found)
            elif until is None and not await self.services.get(task.service):
                raise EngineError(f"{task.service} is gone: somebody removed it", where=SWARM)
            if until is not None and time.monotonic() > until:
                return None
            await asyncio.sleep(EVERY)

    async def task(self, task: ServiceTask) -> Json | None:
        """The newest one of the service."""
        service = await self.services.get(task.service)
        if service is None:
            return None
        found = await self.services.managers.get("tasks", filters={"service": [service["ID"]]})
        return max(found, key=lambda one: one["CreatedAt"], default=None)

    async def _age(self, task: Json) -> float:
        """By the managers' own clock."""
        info = await self.services.managers.get("info")
        return max(0.0, seconds(info["SystemTime"]) - seconds(task["CreatedAt"]))

    async def _said(self, task: Json) -> str:
        return await last_lines(self.services.managers, task, LAST)

    async def _stopped(self, task: ServiceTask) -> JobFailed:
        """Remove it; the error that says so."""
        found = await self.task(task)
        said = (observed.reason(found) or await self._said(found)) if found else ""
        await self.services.remove(task.service)
        return task.too_late(SWARM, said)
