"""The engine of a Docker Swarm: `ports.Engine`, and `ports.KeptFiles`. A revision is one service; Swarm places its tasks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from fairway.engines.common.jobs import taken
from fairway.engines.docker import images
from fairway.engines.docker.fleet.supply import Supply
from fairway.engines.swarm import observed
from fairway.engines.swarm.jobs import Jobs, ServiceTask
from fairway.engines.swarm.leftovers import Leftovers
from fairway.engines.swarm.nodes import SWARM, Node, Nodes
from fairway.engines.swarm.objects import Objects
from fairway.engines.swarm.services import EVERY, REMOVE, Services
from fairway.model.app import App
from fairway.model.build import ImageRef
from fairway.model.environment import Environment
from fairway.model.errors import EngineError, Unsupported
from fairway.model.fleet import Fleet
from fairway.model.hosts import Host, HostState
from fairway.model.policy import Job
from fairway.model.release import Release, Revision
from fairway.net.blindness import Blindness
from fairway.net.docker import api_version
from fairway.net.errors import translated
from fairway.net.hosts import Hosts
from fairway.net.managers import Managers
from fairway.ports import Ended
from fairway.render import names, swarm, swarm_names

Json = Mapping[str, Any]
PLACED = 2.0
"""Seconds in which Swarm has said that it has no place for a task."""
GIVEN_UP = 90.0
"""Seconds in which Swarm knows that a node is lost, which has stopped answering us; longest where it was the leader."""
APPEARING = 15.0
"""Seconds in which Swarm has made the tasks of a service that is there."""


class SwarmEngine:
    """`members` are the engines that the settings name, `supply` brings images to them. The Swarm holds the truth."""

    def __init__(
        self,
        environment: Environment,
        managers: Managers,
        members: Hosts,
        *,
        supply: Supply,
        credentials: images.Credentials | None = None,
    ) -> None:
        self.environment = environment
        self.managers = managers
        self.members = members
        self.nodes = Nodes(managers, members)
        self.services = Services(managers)
        self.objects = Objects(managers, environment)
        self.supply = supply
        self.credentials = credentials
        self.jobs = Jobs(self.services, self.objects)
        self.labels = names.of_environment(environment, names.Kind.REPLICA)
        self._unsure = Blindness()
        self._owed: dict[Revision, int] = {}
        """How few replicas those may have that keep more."""

    @property
    def blind(self) -> float:
        """A manager that has come to lead does not know for a while what becomes of a node that says nothing."""
        return self.managers.blind + self._unsure.seconds

    async def observe(self) -> Fleet:
        with translated(SWARM, "The tasks could not be listed"):
            tasks, nodes = await asyncio.gather(self.services.tasks(self.labels), self.nodes.all())
        if any(node.unsure for node in nodes):
            self._unsure.begin()
        else:
            self._unsure.end()
        return Fleet(environment=self.environment, replicas=observed.replicas(tasks, nodes, self.environment))

    async def watch(self) -> AsyncIterator[Fleet]:
        """Swarm tells of services, nodes and networks when they change, and nothing of tasks: they are looked at again and again."""
        last: Fleet | None = None
        while True:
            fleet = await self.observe()
            if fleet != last:
                last = fleet
                yield fleet
            await asyncio.sleep(EVERY)

    async def pin(self, references: Mapping[str, str], pull: Collection[str] = ()) -> Mapping[str, ImageRef]:
        pinned = await asyncio.gather(*(self._pin(name, key in pull) for key, name in references.items()))
        return dict(zip(references, pinned, strict=True))

    async def _pin(self, reference: str, pull: bool) -> ImageRef:
        having = [] if pull else await self.supply.having(reference)
        host = having[0] if having else self.members.first
        told = images.pin(self.members.engines[host], host, reference, pull=pull, credentials=self.credentials)
        return await self.members.on(host, told)

    async def ensure(self, release: Release, revision: Revision, replicas: int, secrets: Mapping[str, bytes]) -> None:
        name = swarm_names.service(self.environment, revision)
        with translated(SWARM, f"{revision} could not be started"):
            found = await self.services.get(name)
            if found is None:
                found = await self._create(release, revision, replicas, secrets)
            self._insist(name, found["Spec"].get("Labels") or {}, revision)
            await self.services.scale(name, replicas, only_up=True)
            await self._appeared(revision, replicas)
            await self._make_room(revision)

    async def _create(self, release: Release, revision: Revision, replicas: int, secrets: Mapping[str, bytes]) -> Json:
        service, image = release.app.services[revision.service], release.images[revision.service]
        await self.deliver(image)
        files = await self.objects.prepare(release, service, secrets, met=swarm.met(release, service.name))
        awaited = any(
            one.condition == "service_completed_successfully" and one.service == service.name
            for other in release.app.services.values()
            for one in other.depends_on.values()
        )
        body = swarm.service(release, revision, replicas, files, awaited=awaited)
        await self.services.create(body, self.auth(image))
        made = await self.services.get(body["Name"])
        if made is None:
            raise EngineError(f"{body['Name']} is gone as soon as it was made", where=SWARM)
        return made

    def _insist(self, name: str, labels: Mapping[str, str], revision: Revision) -> None:
        ours = self.labels | {names.REVISION: revision.digest}
        if not ours.items() <= labels.items():
            raise taken(name, SWARM, "service", REMOVE)

    async def _appeared(self, revision: Revision, replicas: int) -> None:
        """Swarm makes the tasks of a service soon after it has taken it."""
        began = time.monotonic()
        while len((await self.observe()).of(revision)) < replicas:
            if time.monotonic() - began > APPEARING:
                raise EngineError(
                    f"Swarm has made no {replicas} tasks for {revision}",
                    where=SWARM,
                    hint="docker service ps tells what it waits for",
                )
            await asyncio.sleep(EVERY)

    def auth(self, image: ImageRef) -> Mapping[str, str] | None:
        """What the nodes pull an image with; the managers keep it with the service, encrypted as all they keep."""
        registry = images.registry_of(image.reference)
        found = self.credentials(registry) if self.credentials and image.digest else None
        return dict(found) | {"serveraddress": registry} if found else None

    async def deliver(self, image: ImageRef) -> None:
        """One with a digest each node pulls by itself; another one goes to all of them. Raises EngineError where there is no way."""
        if image.digest:
            return
        until = time.monotonic() + GIVEN_UP
        while unreached := await self._unreached():
            if time.monotonic() > until or not all(self.nodes.doubtful(node.id) for node in unreached):
                raise EngineError(
                    f"{image.reference} cannot be brought to {', '.join(node.name for node in unreached)}",
                    where=SWARM,
                    why="it is in no registry, and fairway.yaml has no host for them that answers",
                    hint="name a `registry:`, or these nodes under `hosts`",
                )
            await asyncio.sleep(1)
        await self.supply.bring(image, self.members.ready)

    async def _unreached(self) -> list[Node]:
        return [node for node in await self.nodes.all() if node.ready and not await self.nodes.member(node.id)]

    async def _make_room(self, revision: Revision) -> None:
        """Where Swarm has no place for it, what is on its way out shrinks after all."""
        owed = [one for one in self._owed if one.service == revision.service and one != revision]
        until = time.monotonic() + PLACED
        while owed and time.monotonic() < until:
            waiting = [task for task in await self.services.tasks(self._of(revision)) if not task.get("NodeID")]
            if not waiting:
                return
            if any(observed.reason(task) for task in waiting):
                for one in owed:
                    await self._shrink(one, self._owed.pop(one))
                return
            await asyncio.sleep(EVERY)

    async def retire(self, revision: Revision, replicas: int) -> None:
        """Swarm chooses which tasks go where a service shrinks, whatever they are doing. So one that is on its way out keeps them,
        until all go or their place is needed."""
        name = swarm_names.service(self.environment, revision)
        with translated(SWARM, f"{revision} could not be stopped"):
            if not replicas:
                self._owed.pop(revision, None)
                await self.services.remove(name)
                await self.services.ended(self._of(revision), 0, await self._lost())
            elif await self._is_followed(revision):
                self._owed[revision] = replicas
            else:
                await self._shrink(revision, replicas)

    async def _shrink(self, revision: Revision, replicas: int) -> None:
        """One after the other: Swarm takes a task out of the service's name, and stops it two seconds later, whoever has heard."""
        name, lost = swarm_names.service(self.environment, revision), await self._lost()
        for stays in range(len((await self.observe()).of(revision)) - 1, replicas - 1, -1):
            await self.services.scale(name, stays)
            await self.services.ended(self._of(revision), stays, lost)

    async def _is_followed(self, revision: Revision) -> bool:
        fleet = await self.observe()
        return any(other != revision for other in fleet.revisions(revision.service))

    def _of(self, revision: Revision) -> dict[str, str]:
        return self.labels | {
            names.SERVICE: revision.service,
            names.RELEASE: str(revision.release),
            names.REVISION: revision.digest,
        }

    async def _lost(self) -> frozenset[str]:
        return frozenset(node.id for node in await self.nodes.all() if node.host.state is HostState.LOST)

    async def run_once(
        self,
        release: Release,
        revision: Revision,
        name: str,
        job: Job,
        *,
        environment: Mapping[str, str],
        secrets: Mapping[str, bytes],
        host: str = "",
    ) -> Ended:
        """On any node: what it has to reach it reaches from everywhere."""
        image = release.images[revision.service]
        task = ServiceTask(
            release=release,
            revision=revision,
            name=name,
            job=job,
            environment=environment,
            secrets=secrets,
            auth=self.auth(image),
        )
        await self.deliver(image)
        return await self.jobs.run(task)

    async def forget(self, release: Release) -> None:
        await self.jobs.forget(self.environment, release)

    async def keep(self, releases: Collection[Release]) -> None:
        await Leftovers(self.services, self.environment).keep(releases)

    async def hosts(self) -> tuple[Host, ...]:
        return tuple(node.host for node in await self.nodes.all())

    def refuse(self, app: App) -> None:
        from fairway.render.swarm_refusals import refusals  # its tables cost those who only look 10 ms

        problems = refusals(app, api_version(self.managers.docker))
        if problems:
            raise Unsupported(problems, f"Docker Swarm cannot honour all of {app.name}")
