"""Which hosts are to be empty: a container on each of them that is created and never started says so to everybody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fairway.engines.docker.errors import explained
from fairway.engines.docker.fleet.homes import Homes
from fairway.engines.docker.observed import inspect
from fairway.engines.docker.replicas import remove
from fairway.engines.docker.small import confined
from fairway.model.environment import Environment
from fairway.net.client import Docker, DockerError
from fairway.net.errors import translated
from fairway.net.hosts import Hosts
from fairway.render import names

TAKEN = 409


Leave = Callable[[str], Awaitable[tuple[str, ...]]]


class Marks:
    """Of one environment. `image` is any that the hosts have; `leave` removes what is left on one."""

    def __init__(self, environment: Environment, hosts: Hosts, image: str, leave: Leave, homes: Homes) -> None:
        self.hosts = hosts
        self.image = image
        self._leave = leave
        self._homes = homes
        self._known: frozenset[str] | None = None
        self.name = names.drained(environment)
        self.labels = names.of_environment(environment, names.Kind.DRAINED)

    async def drained(self) -> frozenset[str]:
        """Asked once: what others decide meanwhile is for the next command."""
        if self._known is None:
            marked = await self.hosts.each(lambda name: self._marked(self.hosts.engines[name], name))
            self._known = frozenset(name for name, found in marked.items() if found)
        return self._known

    async def _marked(self, docker: Docker, name: str) -> bool:
        with translated(name):
            return await inspect(docker, self.name) is not None

    async def drain(self, name: str) -> None:
        self._known = None
        body = confined(self.image, ["/never-started"], self.labels)
        docker = self.hosts.engines[name]
        with explained(name, f"{name} could not be marked as drained"):
            try:
                await docker.post("containers/create", body, name=self.name)
            except DockerError as error:
                if error.status != TAKEN:
                    raise

    async def undrain(self, name: str) -> None:
        self._known = None
        with translated(name, f"{name} could not be given back"):
            await remove(self.hosts.engines[name], self.name)

    async def leave(self, name: str) -> tuple[str, ...]:
        gone = await self._leave(name)
        await self._homes.forget(name)
        return gone

    async def data(self, name: str) -> tuple[str, ...]:
        return tuple(sorted(data for data, host in (await self._homes.read()).items() if host == name))

    async def give_up(self, name: str) -> None:
        await self._homes.forget(name)
