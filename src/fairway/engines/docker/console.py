"""What an operator does with running replicas: `ports.Console` on one Docker host."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import closing

from fairway.engines.common.together import unbroken
from fairway.engines.docker import terminal
from fairway.engines.docker.down import down
from fairway.engines.docker.errors import explained
from fairway.engines.docker.files import Files
from fairway.engines.docker.following import ContainerFollower
from fairway.engines.docker.logs import lines
from fairway.engines.docker.networks import Networks
from fairway.engines.docker.place import place
from fairway.engines.docker.replicas import create, remove
from fairway.engines.docker.stats import sample
from fairway.model.environment import Environment
from fairway.model.fleet import Replica
from fairway.model.release import Release
from fairway.model.usage import Sample
from fairway.net.client import Docker
from fairway.net.errors import translated
from fairway.net.process import process
from fairway.ports import LogLine
from fairway.render.docker_once import once


class DockerConsole:
    """`docker` is connected (net.docker.connect); `host` is its name for people."""

    def __init__(
        self, environment: Environment, docker: Docker, host: str = "local", files: Files | None = None
    ) -> None:
        self.environment = environment
        self.docker = docker
        self.host = host
        self.networks = Networks(docker, environment, host)
        self.files = files or Files(docker, environment, host)

    async def logs(
        self, replicas: Sequence[Replica], *, follow: bool = False, since: float | None = None, tail: int | None = None
    ) -> AsyncIterator[LogLine]:
        """With `follow`, replicas of the same services that come later are followed too."""
        start = None if since is None else f"{since:.9f}"
        follower = ContainerFollower(self.docker, self.environment, self.host, start)
        backlog = [lines(self.docker, replica, since=start, tail=tail) for replica in replicas]
        services = {replica.revision.service for replica in replicas} if follow else ()
        with translated(self.host, "The logs could not be read"):
            async for line in follower.lines(backlog, services):
                yield line

    async def sample(self, replicas: Sequence[Replica]) -> Mapping[str, Sample]:
        with translated(self.host, "What the replicas use could not be asked"):
            found = await asyncio.gather(*(sample(self.docker, replica.id) for replica in replicas))
        return {replica.id: one for replica, one in zip(replicas, found, strict=True) if one}

    async def exec(self, replica: Replica, command: Sequence[str], *, tty: bool = False, stdin: bool = False) -> int:
        with explained(self.host, f"{command[0]} could not be run in {replica.name}"):
            started = await process(self.docker, replica.id, command, stdin=stdin, tty=tty)
            with closing(started.stream) as stream:
                await terminal.connect(stream, stdin=stdin, terminal=tty, resize=started.resize)
            return await started.status()

    async def run(
        self,
        release: Release,
        service: str,
        command: Sequence[str],
        secrets: Mapping[str, bytes],
        *,
        environment: Mapping[str, str] | None = None,
        tty: bool = False,
    ) -> int:
        with translated(self.host):
            async with place(self.networks, self.files, release, service, secrets) as prepared:
                rendered = once(
                    release,
                    release.revisions[service],
                    prepared,
                    name=f"{self.environment.key}-{service}-run-{os.urandom(4).hex()}",
                    command=command,
                    environment=environment or {},
                    tty=tty,
                )
                container = await unbroken(create(self.docker, self.environment, self.host, rendered))
            try:
                with explained(self.host, f"{rendered.name} could not be started"):
                    return await self._attached(container, tty)
            finally:
                await unbroken(remove(self.docker, container))

    async def _attached(self, container: str, tty: bool) -> int:
        """Start it, connected to this terminal; its exit status. Docker removes it then."""

        async def resize(height: int, width: int) -> None:
            await self.docker.post(f"containers/{container}/resize", h=height, w=width)

        attached = {"stream": True, "stdin": True, "stdout": True, "stderr": True}
        wait = {"condition": "removed"}  # asked, and heard, before it starts: a quick one would be missed
        with closing(await self.docker.hijack(f"containers/{container}/attach", attached, tty=tty)) as stream:
            async with self.docker.open("POST", f"containers/{container}/wait", wait) as ended:
                await self.docker.post(f"containers/{container}/start")
                await terminal.connect(stream, stdin=True, terminal=tty, resize=resize)
                return int(json.loads(await ended.read())["StatusCode"])

    async def down(self, *, volumes: bool = False) -> tuple[str, ...]:
        with translated(self.host, "Not everything could be removed"):
            return await down(self.docker, self.environment, self.host, volumes=volumes)
