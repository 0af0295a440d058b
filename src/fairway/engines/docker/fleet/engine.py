"""The engines of a fleet as one: `ports.Engine` over several Docker hosts, and `ports.KeptFiles`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing

from msgspec.structs import replace

from fairway.engines.docker import observed
from fairway.engines.docker.engine import BROKEN, DockerEngine
from fairway.engines.docker.fleet.homes import Homes, settled
from fairway.engines.docker.fleet.inventory import Known, look
from fairway.engines.docker.fleet.marks import Marks
from fairway.engines.docker.fleet.supply import Supply
from fairway.engines.docker.holders import Holders
from fairway.model.app import App
from fairway.model.build import ImageRef
from fairway.model.environment import Environment
from fairway.model.errors import FairwayError, NoHost, Problem
from fairway.model.fleet import Fleet, Replica
from fairway.model.hosts import Host, HostState, Layout
from fairway.model.policy import Job
from fairway.model.release import Release, Revision
from fairway.net.errors import translated
from fairway.net.hosts import Hosts
from fairway.ports import Ended
from fairway.render import names

Place = Callable[[Release, Sequence[Host], Sequence[Replica]], Layout]
"""Where each replica of a release is to run; those that are there already are told."""


class DockerFleet:
    """`engines` by host, `known` what the settings say of them; `data`, of a service: its volumes and directories.

    Stateless: the hosts hold the truth.
    """

    def __init__(
        self,
        environment: Environment,
        members: Hosts,
        *,
        engines: Mapping[str, DockerEngine],
        known: Mapping[str, Known],
        place: Place,
        supply: Supply,
        marks: Marks,
        holders: Mapping[str, Holders],
        homes: Homes,
        data: Callable[[Release, str], Collection[str]],
    ) -> None:
        self.environment = environment
        self.members = members
        self.engines = engines
        self.known = known
        self.place = place
        self.supply = supply
        self.marks = marks
        self.holders = holders
        self.homes = homes
        self.data = data
        self._held: dict[int, asyncio.Task[object]] = {}
        """By release: the names that are, or are being, given to its services on all hosts."""

    blind = 0.0

    async def observe(self) -> Fleet:
        told, drained = await asyncio.gather(
            self.members.each(lambda name: self.engines[name].observe()), self.marks.drained()
        )
        return self._whole(told.values(), drained)

    def _whole(self, fleets: Iterable[Fleet], drained: Collection[str]) -> Fleet:
        found = [replica for fleet in fleets for replica in fleet.replicas]
        return Fleet(environment=self.environment, replicas=with_leaving(found, drained))

    async def watch(self) -> AsyncIterator[Fleet]:
        last: Fleet | None = None
        drained = await self.marks.drained()
        async with aclosing(self.members.latest(lambda name: self.engines[name].watch())) as news:
            async for told in news:
                fleet = self._whole(told.values(), drained)
                if fleet != last:
                    last = fleet
                    yield fleet

    async def pin(self, references: Mapping[str, str], pull: Collection[str] = ()) -> Mapping[str, ImageRef]:
        """A host that has an image tells which one it is; one that none has is pulled to the first, and goes from there."""
        pinned = await asyncio.gather(*(self._pin(name, key in pull) for key, name in references.items()))
        return dict(zip(references, pinned, strict=True))

    async def _pin(self, reference: str, pull: bool) -> ImageRef:
        having = [] if pull else await self.supply.having(reference)
        host = having[0] if having else self.members.first
        found = await self.members.on(host, self.engines[host].pin({"": reference}, [""] if pull else []))
        return found[""]

    async def ensure(self, release: Release, revision: Revision, replicas: int, secrets: Mapping[str, bytes]) -> None:
        there = (await self.observe()).of(revision)
        seats = await self._seats(release, revision, replicas, there)
        await asyncio.gather(
            self.supply.bring(release.images[revision.service], seats),
            self._name(release),
            self._note_home(release, revision, seats),
        )

        async def bring(name: str) -> None:
            existing = [replica for replica in there if replica.host == name]
            await self.engines[name].bring(release, revision, existing, seats[name], secrets)

        await self.members.each(bring, seats)

    async def _note_home(self, release: Release, revision: Revision, seats: Collection[str]) -> None:
        """Before there is anything: what is lost with its host has to be known. One that is everywhere has no home."""
        data = self.data(release, revision.service)
        if data and len(seats) == 1:
            await self.homes.note(data, *seats)

    async def _name(self, release: Release) -> None:
        """On every host each service is found by its name before anything of the release starts; once for each release."""
        if release.number not in self._held:
            naming = self.members.each(lambda name: self.holders[name].ensure(release))
            self._held[release.number] = asyncio.ensure_future(naming)
        try:
            await asyncio.shield(self._held[release.number])
        except FairwayError:
            self._held.pop(release.number, None)  # who comes next tries again
            raise

    async def _seats(
        self, release: Release, revision: Revision, replicas: int, there: Sequence[Replica]
    ) -> dict[str, list[int]]:
        """By host, the indexes that are to be there: what stays, and the lowest of those that are missing. Raises NoHost."""
        staying = [replica for replica in there if replica.state not in BROKEN and not replica.leaving]
        if len(staying) >= replicas:
            return by_host((replica.host, replica.index) for replica in staying)
        layout = await self._layout(release)
        taken = {replica.index for replica in staying}
        free = [seat for seat in layout.of(revision) if seat.index not in taken][: replicas - len(staying)]
        if len(free) < replicas - len(staying):
            raise _no_host(layout, revision)
        kept = [(replica.host, replica.index) for replica in staying]
        return by_host([*kept, *((seat.host, seat.index) for seat in free)])

    async def _layout(self, release: Release) -> Layout:
        found, fleet, homes = await asyncio.gather(self._look(release), self.observe(), self.homes.read())
        hosts = settled(found, homes)
        there = [replica for replica in fleet.replicas if replica.state not in BROKEN and not replica.leaving]
        return self.place(release, hosts, there)

    async def retire(self, revision: Revision, replicas: int) -> None:
        doomed = (await self.observe()).of(revision)[replicas:]

        async def remove(name: str) -> None:
            await self.engines[name].remove([replica for replica in doomed if replica.host == name])

        await self.members.each(remove, dict.fromkeys(replica.host for replica in doomed))

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
        where = host or await self._has_run(names.job(self.environment, name, release.number))
        where = await self.home(release, revision, where)
        told = self.engines[where].run_once(release, revision, name, job, environment=environment, secrets=secrets)
        return await self.members.on(where, told)

    async def _has_run(self, container: str) -> str:
        """The host that has run a job already, or does; nothing where there is none."""

        async def has(name: str) -> bool:
            with translated(name):
                return await observed.inspect(self.members.engines[name], container) is not None

        found = [name for name, there in (await self.members.each(has)).items() if there]
        return found[0] if found else ""

    async def home(self, release: Release, revision: Revision, host: str = "") -> str:
        """Where a one-off container of the revision finds all that it needs: on `host`, or where the first replica is. Raises NoHost."""
        if not host:
            layout = await self._layout(release)
            seats = layout.of(revision)
            if not seats:
                raise _no_host(layout, revision)
            host = seats[0].host
        await asyncio.gather(self.supply.bring(release.images[revision.service], [host]), self._name(release))
        return host

    async def forget(self, release: Release) -> None:
        await self.members.each(lambda name: self.engines[name].forget(release))
        fleet = await self.observe()
        if all(replica.revision.service in release.revisions for replica in fleet.replicas):
            await self.members.each(lambda name: self.holders[name].tidy(release))

    async def keep(self, releases: Collection[Release]) -> None:
        await self.members.each(lambda name: self.engines[name].keep(releases))

    def refuse(self, app: App) -> None:
        for name in self.members.ready:
            self.engines[name].refuse_more(app, fleet=True)

    async def hosts(self) -> tuple[Host, ...]:
        return await self._look()

    async def waiting(self, release: Release) -> Mapping[str, str]:
        """Services that have their data on a host that does not answer, nowhere else, and no replica: with that host."""
        homes = await self.homes.read()
        if not set(homes.values()) - set(self.members.ready):
            return {}
        hosts, fleet = await asyncio.gather(self._look(), self.observe())
        there = settled(hosts, homes)
        alive = {replica.revision.service for replica in fleet.replicas if replica.state not in BROKEN}
        found: dict[str, str] = {}
        for service in release.revisions.keys() - alive:
            data = frozenset(self.data(release, service))
            holders = [host for host in there if data & host.volumes]
            if holders and all(host.state is HostState.LOST for host in holders):
                found[service] = holders[0].name
        return found

    async def _look(self, release: Release | None = None) -> tuple[Host, ...]:
        """All of them, those that are lost too."""
        drained = await self.marks.drained()

        async def described(name: str) -> Host:
            host = await look(self.members.engines[name], self.known[name], release)
            return replace(host, state=HostState.DRAINED) if name in drained else host

        there = await self.members.each(described)
        lost = [Host(name=name, labels=self.known[name].labels, state=HostState.LOST) for name in self.members.lost]
        return (*there.values(), *lost)


def with_leaving(replicas: Sequence[Replica], drained: Collection[str]) -> tuple[Replica, ...]:
    """Replicas that are not to stay where they are: on drained hosts, and those that came back after another took their place."""
    ordered = sorted(replicas, key=lambda r: (r.revision.service, r.revision.release, r.index, -r.created, r.host))
    seen: set[tuple[Revision, int]] = set()
    found = []
    for replica in ordered:
        leaving = (replica.revision, replica.index) in seen or (replica.host in drained and not replica.rooted)
        if not leaving:
            seen.add((replica.revision, replica.index))
        found.append(replace(replica, leaving=True) if leaving else replica)
    return tuple(found)


def by_host(seats: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for host, index in seats:
        found.setdefault(host, []).append(index)
    return found


def _no_host(layout: Layout, revision: Revision) -> NoHost:
    said = [one for one in layout.unplaced if one.revision == revision]
    return NoHost([Problem(str(one), str(revision)) for one in said] or [Problem(f"no host for {revision}")])
