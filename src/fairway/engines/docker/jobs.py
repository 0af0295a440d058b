"""Jobs of a release: each a container that is known by its name, so that a deployer who comes later finds what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fairway.engines.common.jobs import LAST, Task, taken
from fairway.engines.common.together import together, unbroken
from fairway.engines.docker.errors import explained
from fairway.engines.docker.files import Files
from fairway.engines.docker.logs import last_lines
from fairway.engines.docker.networks import Networks
from fairway.engines.docker.observed import inspect, listed, seconds
from fairway.engines.docker.place import place
from fairway.engines.docker.replicas import create, start, stop_and_remove
from fairway.model.errors import EngineError, JobFailed
from fairway.model.release import Release
from fairway.net.errors import translated
from fairway.ports import Ended
from fairway.render import names
from fairway.render.docker_once import job as rendered_job

Container = Mapping[str, Any]


class ContainerTask(Task, frozen=True, kw_only=True):
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

    async def run(self, task: ContainerTask) -> Ended:
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
            await together(self._remove(container["Id"]) for container in found)

    async def _found(self, task: ContainerTask) -> Container | None:
        """The container of this very job."""
        found = await inspect(self.docker, task.container)
        if found is None:
            return None
        labels = found["Config"].get("Labels") or {}
        if not names.of_jobs(self.environment, task.release.number).items() <= labels.items():
            raise taken(task.container, self.host, "container", "docker rm -f")
        return found if labels.get(names.DEFINITION) == task.definition else None

    async def _begin(self, task: ContainerTask) -> None:
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
                    ended = await self.docker.post(f"containers/{name}/wait")
        except TimeoutError:
            return None
        return Ended(int(ended["StatusCode"]), await last_lines(self.docker, name, LAST))

    async def _age(self, container: Container) -> float:
        """Seconds since it was started, by the engine's own clock."""
        info = await self.docker.get("info")
        return seconds(info["SystemTime"]) - seconds(container["State"]["StartedAt"])

    async def _stopped(self, task: ContainerTask) -> JobFailed:
        """Stop and remove it; the error that says so."""
        said = await last_lines(self.docker, task.container, LAST)
        await self._remove(task.container)
        return task.too_late(self.host, said)

    async def _remove(self, container: str) -> None:
        """Stop it within its grace period; and the volume of its files goes with the last one who uses it."""
        if volume := await stop_and_remove(self.docker, self.host, container):
            await self.files.sweep(volume)


def _succeeded(container: Container) -> bool:
    """One that was never started has an exit status, too."""
    return bool(container["State"]["Status"] == "exited" and container["State"]["ExitCode"] == 0)
