"""What an operator does with running replicas of a Swarm: `ports.Console`.

Logs come through a manager. A command in a task, and what it uses, only its own node's engine knows: that has to be among
the hosts of the settings.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing

from msgspec.structs import replace

from fairway.engines.common.together import unbroken
from fairway.engines.docker.console import DockerConsole
from fairway.engines.docker.stats import sample
from fairway.engines.swarm import observed
from fairway.engines.swarm.engine import SwarmEngine
from fairway.engines.swarm.following import TaskFollower
from fairway.engines.swarm.jobs import ServiceTask
from fairway.engines.swarm.leftovers import Leftovers
from fairway.engines.swarm.logs import followed, lines
from fairway.engines.swarm.nodes import SWARM
from fairway.engines.swarm.services import EVERY
from fairway.model.errors import EngineError
from fairway.model.fleet import Replica
from fairway.model.policy import Job
from fairway.model.release import Release
from fairway.model.usage import Sample
from fairway.net.client import DockerError
from fairway.net.errors import translated
from fairway.ports import LogLine
from fairway.render import names

FOREVER = 7 * 86400.0


class SwarmConsole:
    def __init__(self, engine: SwarmEngine) -> None:
        self.engine = engine
        self.environment = engine.environment
        self.services = engine.services
        self.nodes = engine.nodes

    async def logs(
        self, replicas: Sequence[Replica], *, follow: bool = False, since: float | None = None, tail: int | None = None
    ) -> AsyncIterator[LogLine]:
        """With `follow`, tasks of the same services that come later are followed too."""
        start = None if since is None else f"{since:.9f}"
        services = {replica.revision.service for replica in replicas} if follow else ()
        with translated(SWARM, "The logs could not be read"):
            slots = observed.slots(await self._listed())
            backlog = [
                lines(self.engine.managers, task, one, since=start, tail=tail)
                for one in replicas
                for task in slots.get(one.id, ())  # those that have crashed, too
                if observed.container(task)
            ]
            async for line in TaskFollower(self.engine, start).lines(backlog, services):
                yield line

    async def sample(self, replicas: Sequence[Replica]) -> Mapping[str, Sample]:
        """Of those on nodes that the settings have no host for, why nobody knows."""
        tasks = await self._tasks()

        async def one(replica: Replica) -> Sample | None:
            task = tasks.get(replica.id)
            member = await self.nodes.member(str(task.get("NodeID") or "")) if task else ""
            container = observed.container(task) if task else ""
            if not container:
                return None
            if not member:
                return Sample(at=time.time(), cpu=0.0, why=f"{_unreached(replica.host)}: only its own engine counts")
            with translated(member, "What the replicas use could not be asked"):
                return await self.engine.members.on(member, sample(self.engine.members.engines[member], container))

        found = await asyncio.gather(*(one(replica) for replica in replicas))
        return {replica.id: said for replica, said in zip(replicas, found, strict=True) if said}

    async def exec(self, replica: Replica, command: Sequence[str], *, tty: bool = False, stdin: bool = False) -> int:
        task = (await self._tasks()).get(replica.id)
        member = await self.nodes.member(str(task.get("NodeID") or "")) if task else ""
        if task is None or not member:
            raise EngineError(
                f"nothing can be run in {replica.name} from here",
                where=replica.host,
                why=_unreached(replica.host),
                hint=f"add {replica.host} to `hosts`: only a node's own engine runs commands in its containers",
            )
        console = DockerConsole(self.environment, self.engine.members.engines[member], member)
        return await console.exec(replace(replica, id=observed.container(task)), command, tty=tty, stdin=stdin)

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
        """As a job service, wherever Swarm places it: what it prints is shown, and nothing is typed into it."""
        image = release.images[service]
        task = ServiceTask(
            release=release,
            revision=release.revisions[service],
            name=f"{service}-run-{os.urandom(4).hex()}",
            job=Job(command=tuple(command), timeout=FOREVER),
            environment=environment or {},
            secrets=secrets,
            auth=self.engine.auth(image),
            kind=names.Kind.ONCE,
        )
        await self.engine.deliver(image)
        over = asyncio.Event()
        try:
            with translated(SWARM, f"{task.service} could not be run"):
                await self.engine.jobs.begin(task)
                printing = asyncio.create_task(self._print(task, over))
                try:
                    ended = await self.engine.jobs.ended(task)
                    over.set()
                    await printing
                finally:
                    printing.cancel()
                    await asyncio.gather(printing, return_exceptions=True)
        finally:
            await unbroken(self.services.remove(task.service))
        return ended.exit_code if ended else 1

    async def _print(self, task: ServiceTask, over: asyncio.Event) -> None:
        """All that it prints, as it comes."""
        while (found := await self.engine.jobs.task(task)) is None or not observed.container(found):
            if over.is_set():
                return
            await asyncio.sleep(EVERY)
        replica = Replica(id="", name=task.name, revision=task.revision, index=1, host="")
        async with aclosing(followed(self.engine.managers, found, replica, over)) as stream:
            async for item in stream:
                out = sys.stderr if item.line.stream == "stderr" else sys.stdout
                out.write(f"{item.line.text}\n")
                out.flush()

    async def down(self, *, volumes: bool = False) -> tuple[str, ...]:
        with translated(SWARM, "Not everything could be removed"):
            gone = await Leftovers(self.services, self.environment).down()
            if volumes:
                told = await self.engine.members.each(self._volumes)
                gone += tuple(name for names_ in told.values() for name in names_)
        return gone

    async def _volumes(self, member: str) -> list[str]:
        docker = self.engine.members.engines[member]
        labels = names.label_filter(names.of_environment(self.environment, names.Kind.VOLUME))
        listed = (await docker.get("volumes", filters={"label": labels}))["Volumes"] or ()
        gone = []
        for volume in listed:
            try:
                await docker.delete(f"volumes/{volume['Name']}")
            except DockerError as error:
                if error.status not in (404, 409):
                    raise
            else:
                gone.append(str(volume["Name"]))
        return gone

    async def _tasks(self) -> Mapping[str, observed.Json]:
        """The task of each replica, by its id."""
        return observed.by_replica(await self._listed())

    async def _listed(self) -> list[observed.Json]:
        with translated(SWARM, "The tasks could not be listed"):
            return await self.services.tasks(self.engine.labels)


def _unreached(node: str) -> str:
    return f"fairway.yaml has no host for the node {node}, or it does not answer"
