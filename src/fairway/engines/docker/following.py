"""The logs of containers as they are printed, those of containers that come later too."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import aclosing

from fairway.engines.common.following import Follower
from fairway.engines.docker import observed
from fairway.engines.docker.logs import lines
from fairway.engines.docker.watching import changes
from fairway.model.environment import Environment
from fairway.model.fleet import Replica, State
from fairway.net.client import Docker
from fairway.render import names

ALIVE = (State.RUNNING, State.PAUSED, State.RESTARTING)


class ContainerFollower(Follower):
    """A replica that restarts is read from where it was left."""

    def __init__(self, docker: Docker, environment: Environment, host: str, since: str | None) -> None:
        super().__init__(since)
        self.docker = docker
        self.environment = environment
        self.host = host

    async def watch(self, services: Collection[str]) -> None:
        """Raises EngineUnreachable."""
        labels = names.of_environment(self.environment, names.Kind.REPLICA)
        async with aclosing(changes(self.docker, labels, self.host)) as news:
            async for _ in news:
                for replica in await observed.replicas(self.docker, self.environment, self.host):
                    if replica.revision.service in services:
                        self._read(replica)

    def _read(self, replica: Replica) -> None:
        """Start reading, unless somebody does, or it ended before we came and was read with the backlog."""
        reader = self.readers.get(replica.id)
        if reader and not reader.done():
            return
        if replica.state in ALIVE or not (reader or replica.id in self.seen):
            self.read(replica.id, lines(self.docker, replica, follow=True, since=self.start(replica.id)))
