"""The engine of one Docker host: `ports.Engine`, and `ports.KeptFiles`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from itertools import count, islice
from typing import TypeGuard

from fairway.engines.common.together import together
from fairway.engines.docker import images, observed, replicas, volumes
from fairway.engines.docker.addresses import POOL
from fairway.engines.docker.files import Files, Found, nowhere, volume_of
from fairway.engines.docker.jobs import ContainerTask, Jobs
from fairway.engines.docker.networks import Networks
from fairway.engines.docker.peers import peers
from fairway.engines.docker.watching import changes
from fairway.model.app import App
from fairway.model.build import ImageRef
from fairway.model.environment import Environment
from fairway.model.errors import Unsupported
from fairway.model.fleet import Fleet, Replica, State
from fairway.model.hosts import Host
from fairway.model.policy import Job
from fairway.model.release import Release, Revision
from fairway.net.client import Docker
from fairway.net.docker import api_version
from fairway.net.errors import translated
from fairway.ports import Ended
from fairway.render import docker as render
from fairway.render import names
from fairway.render.docker_files import FileSet, file_set

BROKEN = (State.DEAD, State.REMOVING)
STOPPED = (State.CREATED, State.EXITED)


class DockerEngine:
    """`docker` is connected (net.docker.connect); `host` is its name for people. Stateless: the host holds the truth."""

    def __init__(
        self,
        environment: Environment,
        docker: Docker,
        host: str = "local",
        *,
        pool: str = POOL,
        credentials: images.Credentials | None = None,
        elsewhere: Callable[[str], Awaitable[Found | None]] = nowhere,
        image: str = "",
    ) -> None:
        """`image` has `sleep`: what keeps secrets in memory runs it."""
        self.environment = environment
        self.docker = docker
        self.host = host
        self.credentials = credentials
        self.networks = Networks(docker, environment, host, pool)
        self.files = Files(docker, environment, host, elsewhere, image)
        self.jobs = Jobs(self.networks, self.files)

    blind = 0.0

    async def observe(self) -> Fleet:
        with translated(self.host):
            found = await observed.replicas(self.docker, self.environment, self.host)
        return Fleet(environment=self.environment, replicas=found)

    async def watch(self) -> AsyncIterator[Fleet]:
        labels = names.of_environment(self.environment, names.Kind.REPLICA)
        last: Fleet | None = None
        async for _ in changes(self.docker, labels, self.host):
            fleet = await self.observe()
            if fleet != last:
                last = fleet
                yield fleet

    async def pin(self, references: Mapping[str, str], pull: Collection[str] = ()) -> Mapping[str, ImageRef]:
        wanted = {(reference, key in pull) for key, reference in references.items()}
        pinned = await together(
            images.pin(self.docker, self.host, reference, pull=pulled, credentials=self.credentials)
            for reference, pulled in sorted(wanted)
        )
        by_reference = {image.reference: image for image in pinned}
        return {key: by_reference[reference] for key, reference in references.items()}

    async def ensure(self, release: Release, revision: Revision, replicas: int, secrets: Mapping[str, bytes]) -> None:
        existing = (await self.observe()).of(revision)
        taken = [replica.index for replica in existing if replica.state not in BROKEN]
        await self.bring(release, revision, existing, indexes(taken, replicas), secrets)

    async def bring(
        self,
        release: Release,
        revision: Revision,
        existing: Collection[Replica],
        wanted: Collection[int],
        secrets: Mapping[str, bytes],
    ) -> None:
        """These replicas of the revision, started; `existing` are those that are on this host."""
        kept = {replica.index: replica for replica in existing if replica.state not in BROKEN}
        asleep = [replica for replica in kept.values() if replica.state in STOPPED and not finished(release, replica)]
        missing = sorted(set(wanted) - kept.keys())
        await self.remove([replica for replica in existing if replica.state in BROKEN])
        with translated(self.host):
            await together(
                [
                    self._wake(release, revision, asleep, secrets),
                    self._add(release, revision, missing, secrets),
                ]
            )

    async def _wake(
        self, release: Release, revision: Revision, asleep: Collection[Replica], secrets: Mapping[str, bytes]
    ) -> None:
        """Their files are on the host, unless they are in memory: then it may have forgotten them."""
        if not asleep:
            return
        contents = file_set(release, release.app.services[revision.service], secrets)
        forgets = contents if contents and contents.memory else None
        async with self.files.prepared(forgets, release.images[revision.service].pinned):
            await together(replicas.start(self.docker, self.host, one.id, one.name) for one in asleep)

    async def _add(
        self, release: Release, revision: Revision, indexes: list[int], secrets: Mapping[str, bytes]
    ) -> None:
        """New replicas, all or none, side by side."""
        if not indexes:
            return
        service = release.app.services[revision.service]
        contents, image = file_set(release, service, secrets), release.images[service.name].pinned
        await volumes.prepare(self.docker, self.host, release, service.name)
        networks = await self.networks.prepare(release.app, service)
        others = await peers(self.docker, self.environment, self.host, release, service)
        async with (
            self.files.prepared(contents, image) as files,
            self.networks.addresses(networks, len(indexes)) as addresses,
            replicas.Batch(self.docker, self.environment, self.host) as batch,
        ):
            places = [
                render.Place(index=index, addresses=given, files=files, peers=others)
                for index, given in zip(indexes, addresses, strict=True)
            ]
            await together(batch.run(render.container(release, revision, place)) for place in places)

    async def retire(self, revision: Revision, replicas: int) -> None:
        await self.remove((await self.observe()).of(revision)[replicas:])

    async def remove(self, doomed: Collection[Replica]) -> None:
        """Stop them within their grace period, and remove them."""
        highest_first = sorted(doomed, key=lambda replica: -replica.index)
        with translated(self.host, "A replica could not be stopped"):
            left = await together(
                replicas.stop_and_remove(self.docker, self.host, replica.id) for replica in highest_first
            )
            for volume in {name for name in left if name}:
                await self.files.sweep(volume)

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
        task = ContainerTask(
            release=release, revision=revision, name=name, job=job, environment=environment, secrets=secrets
        )
        return await self.jobs.run(task)

    async def forget(self, release: Release) -> None:
        await self.jobs.forget(release)

    async def keep(self, releases: Collection[Release]) -> None:
        sets = [file_set(release, service, {}) for release in releases for service in release.app.services.values()]
        needed = {volume_of(self.environment, contents) for contents in sets if keeps(contents)}
        await self.files.keep(needed)

    def refuse(self, app: App) -> None:
        self.refuse_more(app, fleet=False)

    async def hosts(self) -> tuple[Host, ...]:
        return ()

    def refuse_more(self, app: App, *, fleet: bool) -> None:
        """`fleet`: it is one host of several."""
        from fairway.render.docker_refusals import refusals  # its tables cost those who only look 10 ms

        problems = refusals(app, api_version(self.docker), fleet=fleet)
        if problems:
            raise Unsupported(problems, f"Docker cannot honour all of {app.name}")


def indexes(taken: Collection[int], replicas: int) -> list[int]:
    """Those of `replicas` replicas at least: what is there stays, and the lowest free numbers are added."""
    free = (number for number in count(1) if number not in taken)
    return sorted([*taken, *islice(free, max(0, replicas - len(taken)))])


def keeps(contents: FileSet | None) -> TypeGuard[FileSet]:
    """Whether there are secrets in it that stay on the host when nobody uses them."""
    return contents is not None and contents.secret and not contents.memory


def finished(release: Release, replica: Replica) -> bool:
    """A job that is done, and that others waited for: it is not run again."""
    service = replica.revision.service
    awaited = any(
        dependency.condition == "service_completed_successfully" and dependency.service == service
        for other in release.app.services.values()
        for dependency in other.depends_on.values()
    )
    return awaited and replica.state is State.EXITED and replica.exit_code == 0
