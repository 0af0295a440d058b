"""Which hosts are to be empty: a container on each of them that is created and never started says so to everybody."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import aiodocker
from aiodocker.exceptions import DockerError

from fairway.engines.docker.errors import explained
from fairway.engines.docker.observed import inspect
from fairway.engines.docker.replicas import remove
from fairway.engines.docker.small import confined
from fairway.model.environment import Environment
from fairway.net.errors import translated
from fairway.net.hosts import Hosts
from fairway.render import names

TAKEN = 409


Leave = Callable[[str], Awaitable[tuple[str, ...]]]


class Marks:
    """Of one environment. `image` is any that the hosts have; `leave` removes what is left on one."""

    def __init__(self, environment: Environment, hosts: Hosts, image: str, leave: Leave) -> None:
        self.hosts = hosts
        self.image = image
        self._leave = leave
        self._known: frozenset[str] | None = None
        self.name = names.drained(environment)
        self.labels = names.of_environment(environment, names.Kind.DRAINED)

    async def drained(self) -> frozenset[str]:
        """Asked once: what others decide meanwhile is for the next command."""
        if self._known is None:
            marked = await self.hosts.each(lambda name: self._marked(self.hosts.engines[name], name))
            self._known = frozenset(name for name, found in marked.items() if found)
        return self._known

    async def _marked(self, docker: aiodocker.Docker, name: str) -> bool:
        with translated(name):
            return await inspect(docker, self.name) is not None

    async def drain(self, name: str) -> None:
        self._known = None
        body = json.dumps(confined(self.image, ["/never-started"], self.labels))
        docker = self.hosts.engines[name]
        with explained(name, f"{name} could not be marked as drained"):
            try:
                await docker._query_json("containers/create", "POST", params={"name": self.name}, data=body)
            except DockerError as error:
                if error.status != TAKEN:
                    raise

    async def undrain(self, name: str) -> None:
        self._known = None
        with translated(name, f"{name} could not be given back"):
            await remove(self.hosts.engines[name], self.name)

    async def leave(self, name: str) -> tuple[str, ...]:
        return await self._leave(name)
