"""Jobs of a release: each a container that is known by its name, so that a deployer who comes later finds what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from fairway.engines.docker.errors import explained
from fairway.engines.docker.files import Files
from fairway.engines.docker.logs import last_lines
from fairway.engines.docker.networks import Networks
from fairway.engines.docker.observed import inspect, listed, seconds
from fairway.engines.docker.place import place
from fairway.engines.docker.replicas import create, start, stop_and_remove
from fairway.engines.docker.together import together, unbroken
from fairway.model.errors import EngineError, JobFailed
from fairway.model.policy import Job
from fairway.model.release import Release, Revision
from fairway.net.errors import translated
from fairway.ports import Ended
from fairway.render import names
from fairway.render.docker_once import definition
from fairway.render.docker_once import job as rendered_job

Container = Mapping[str, Any]
LAST = 20
"""Lines of its output that are told."""


class Task(Struct, frozen=True, kw_only=True):
    """A job to run: what `ports.Engine.run_once` is told."""

    release: Release
    revision: Revision
    name: str
    job: Job
    environment: Mapping[str, str]
    secrets: Mapping[str, bytes]

    @property
    def container(self) -> str:
        return names.job(self.release.environment, self.name, self.release.number)


class Jobs:
    """The jobs of one environment on one Docker host."""

    def __init__(self, networks: Networks, files: Files) -> None:
        self.networks = networks
        self.files = files
        self.docker = networks.docker
        self.environment = networks.environment
        self.host = networks.host

    async def run(self, task: Task) -> Ended:
        """As `ports.Engine.run_once`. Whoever cancels it stops and removes the job."""
        name, timeout = task.container, task.job.timeout
        with translated(self.host, f"{name} could not be run"):
            found = await self._found(task)
            if found and _succeeded(found):
                return Ended(0, await last_lines(self.docker, name, LAST))
            try:
                if found and found["State"]["Running"]:
                    timeout -= await self._age(found)
                else:
                    await self._begin(task)
                ended = await self._ended(name, timeout)
                if ended is None:
                    raise await self._stopped(task)
            except asyncio.CancelledError:
                await asyncio.shield(asyncio.ensure_future(self._remove(name)))
                raise
        return ended

    async def forget(self, release: Release) -> None:
        with translated(self.host, f"The jobs of release {release.number} could not be removed"):
            found = await listed(self.docker, names.of_jobs(self.environment, release.number))
            await together(self._remove(container.id) for container in found)

    async def _found(self, task: Task) -> Container | None:
        """The container of this very job; one with another definition is the rest of an earlier attempt."""
        found = await inspect(self.docker, task.container)
        if found is None:
            return None
        labels = found["Config"].get("Labels") or {}
        if not names.of_jobs(self.environment, task.release.number).items() <= labels.items():
            raise EngineError(
                f"The name {task.container} is taken",
                where=self.host,
                why="another container has it",
                hint=f"docker rm -f {task.container}, if nobody needs it",
            )
        wanted = definition(task.revision, task.job, task.environment)
        return found if labels.get(names.DEFINITION) == wanted else None

    async def _begin(self, task: Task) -> None:
        """Make it and start it, in the place of whatever an earlier attempt has left."""
        name, service = task.container, task.revision.service
        async with place(self.networks, self.files, task.release, service, task.secrets) as prepared:
            await self._remove(name)
            made = rendered_job(
                task.release, task.revision, prepared, name=task.name, job=task.job, environment=task.environment
            )
            await unbroken(create(self.docker, self.environment, self.host, made))
        try:
            await start(self.docker, self.host, name, name)
        except EngineError:
            await self._remove(name)
            raise

    async def _ended(self, name: str, seconds: float) -> Ended | None:
        """None where it did not end in time."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                with explained(self.host, f"{name} could not be waited for"):
                    ended = await self.docker.containers.container(name).wait()
        except TimeoutError:
            return None
        return Ended(int(ended["StatusCode"]), await last_lines(self.docker, name, LAST))

    async def _age(self, container: Container) -> float:
        """Seconds since it was started, by the engine's own clock."""
        info = await self.docker.system.info()
        return seconds(info["SystemTime"]) - seconds(container["State"]["StartedAt"])

    async def _stopped(self, task: Task) -> JobFailed:
        """Stop and remove it; the error that says so."""
        said = await last_lines(self.docker, task.container, LAST)
        await self._remove(task.container)
        return JobFailed(
            f"the job {task.name} of release {task.release.number} did not end within {task.job.timeout:g} s",
            where=self.host,
            why=said,
            hint="it was stopped; see why it takes so long, or raise its `timeout`",
        )

    async def _remove(self, container: str) -> None:
        """Stop it within its grace period; and the volume of its files goes with the last one who uses it."""
        if volume := await stop_and_remove(self.docker, self.host, container):
            await self.files.sweep(volume)


def _succeeded(container: Container) -> bool:
    """One that was never started has an exit status, too."""
    return bool(container["State"]["Status"] == "exited" and container["State"]["ExitCode"] == 0)
