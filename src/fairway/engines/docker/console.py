"""What an operator does with running replicas: `ports.Console` on one Docker host."""

from __future__ import annotations

import json
import secrets as randomness
from collections.abc import AsyncIterator, Mapping, Sequence

import aiodocker
import aiohttp

from fairway.engines.docker import terminal
from fairway.engines.docker.down import down
from fairway.engines.docker.errors import explained
from fairway.engines.docker.files import Files
from fairway.engines.docker.following import Follower, merged
from fairway.engines.docker.logs import lines
from fairway.engines.docker.networks import Networks
from fairway.engines.docker.place import place
from fairway.engines.docker.replicas import create, remove
from fairway.engines.docker.together import unbroken
from fairway.model.environment import Environment
from fairway.model.fleet import Replica
from fairway.model.release import Release
from fairway.net.errors import translated
from fairway.ports import LogLine
from fairway.render.docker_once import once


class DockerConsole:
    """`docker` is connected (net.docker.connect); `host` is its name for people."""

    def __init__(self, environment: Environment, docker: aiodocker.Docker, host: str = "local") -> None:
        self.environment = environment
        self.docker = docker
        self.host = host
        self.networks = Networks(docker, environment, host)
        self.files = Files(docker, environment, host)

    async def logs(
        self, replicas: Sequence[Replica], *, follow: bool = False, since: float | None = None, tail: int | None = None
    ) -> AsyncIterator[LogLine]:
        """With `follow`, replicas of the same services that come later are followed too."""
        start = None if since is None else f"{since:.9f}"
        follower = Follower(self.docker, self.environment, self.host, start)
        with translated(self.host, "The logs could not be read"):
            sources = [lines(self.docker, replica, since=start, tail=tail) for replica in replicas]
            async for item in merged(sources):
                follower.saw(item)
                yield item.line
            if follow:
                async for line in follower.live({replica.revision.service for replica in replicas}):
                    yield line

    async def exec(self, replica: Replica, command: Sequence[str], *, tty: bool = False, stdin: bool = False) -> int:
        container = self.docker.containers.container(replica.id)
        with explained(self.host, f"{command[0]} could not be run in {replica.name}"):
            process = await container.exec(list(command), stdin=stdin, tty=tty)

            async def resize(height: int, width: int) -> None:
                await process.resize(h=height, w=width)

            async with process.start(detach=False) as stream:
                await terminal.connect(stream, stdin=stdin, terminal=tty, resize=resize)
            return int((await process.inspect())["ExitCode"] or 0)

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
                    name=f"{self.environment.key}-{service}-run-{randomness.token_hex(4)}",
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
        started = self.docker.containers.container(container)

        async def resize(height: int, width: int) -> None:
            params = {"h": height, "w": width}
            async with self.docker._query(f"containers/{container}/resize", "POST", params=params):
                pass

        endless = aiohttp.ClientTimeout(total=None)
        wait = {"condition": "removed"}  # asked, and heard, before it starts: a quick one would be missed
        async with (
            started.attach(stdin=True, stdout=True, stderr=True) as stream,
            self.docker._query(f"containers/{container}/wait", "POST", params=wait, timeout=endless) as ended,
        ):
            try:
                await started.start()
                await terminal.connect(stream, stdin=True, terminal=tty, resize=resize)
                return int(json.loads(await ended.read())["StatusCode"])
            finally:
                ended.close()

    async def down(self, *, volumes: bool = False) -> tuple[str, ...]:
        with translated(self.host, "Not everything could be removed"):
            return await down(self.docker, self.environment, self.host, volumes=volumes)
