"""The ports in memory: what an engine and a gateway promise, over the simulated world, with accidents on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial

from msgspec.structs import replace

from fairway.conduct.conductor import Conductor
from fairway.conduct.drain import Leaving
from fairway.conduct.journal import Journal
from fairway.conduct.orders import Orders
from fairway.conduct.routing import seen
from fairway.model.app import App
from fairway.model.build import ImageRef
from fairway.model.errors import FairwayError, GatewayError
from fairway.model.events import Event
from fairway.model.fleet import Fleet, Health, Replica, State
from fairway.model.judgement import Scrape
from fairway.model.policy import Job
from fairway.model.release import Progress, Release, Revision
from fairway.model.routes import Endpoint, RoutingTable
from fairway.model.steps import Want
from fairway.ports import Ended
from tests.unit.rollout.world import World


@dataclass
class MemoryEngine:
    """`slow` are turns of the event loop that each call takes; `refuses` maps a call to the error that it raises."""

    world: World
    calls: list[str] = field(default_factory=list)
    slow: int = 1
    refuses: dict[str, FairwayError] = field(default_factory=dict)
    on_start: Callable[[Replica], None] = lambda replica: None
    watching: int = 0
    stream_ends: bool = False
    job_takes: float = 0.0
    ends: dict[str, Ended] = field(default_factory=dict)
    """How jobs end, by the first word of their names."""
    told: dict[str, str] = field(default_factory=dict)
    """The environment of the last job."""
    left_off: list[str] = field(default_factory=list)
    """Jobs that were cancelled."""
    jobs: list[Job] = field(default_factory=list)
    """Those that were begun."""
    entrusted: list[Mapping[str, bytes]] = field(default_factory=list)
    """The secrets that came with each revision that was to start."""
    watched: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once somebody watches."""
    blind: float = 0.0
    _listeners: set[asyncio.Event] = field(default_factory=set)

    async def observe(self) -> Fleet:
        await self._turns()
        return self.world.fleet

    async def watch(self) -> AsyncIterator[Fleet]:
        changed = asyncio.Event()
        self._listeners.add(changed)
        self.watching += 1
        self.watched.set()
        try:
            while True:
                await self._turns()
                changed.clear()
                yield self.world.fleet
                if self.stream_ends:
                    return
                await changed.wait()
        finally:
            self.watching -= 1
            self._listeners.discard(changed)

    def change(self, replica: Replica, **changes: object) -> None:
        """Something happens to a replica, and the watchers are told."""
        self.world.replicas[replica.id] = replace(self.world.replicas[replica.id], **changes)  # type: ignore[arg-type]
        self.tell()

    def tell(self) -> None:
        for changed in self._listeners:
            changed.set()

    async def pin(self, references: Mapping[str, str], pull: Collection[str] = ()) -> Mapping[str, ImageRef]:
        return {key: ImageRef(reference=reference, id=reference) for key, reference in references.items()}

    async def ensure(self, release: Release, revision: Revision, replicas: int, secrets: Mapping[str, bytes]) -> None:
        call = f"ensure {revision} {replicas}"
        self.calls.append(call)
        self.entrusted.append(dict(secrets))
        if call in self.refuses:
            raise self.refuses[call]
        await self._turns()
        known = set(self.world.replicas)
        self.world.ensure(release, Want(revision, replicas))
        for key in sorted(set(self.world.replicas) - known):
            self.on_start(self.world.replicas[key])
        await self._turns()
        self.calls.append(f"{call} done")
        self.tell()

    async def retire(self, revision: Revision, replicas: int) -> None:
        call = f"retire {revision} {replicas}"
        self.calls.append(call)
        if call in self.refuses:
            raise self.refuses[call]
        await self._turns()
        self.world.retire(revision, replicas)
        self.tell()

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
        self.calls.append(f"run {name}")
        self.jobs.append(job)
        self.told = dict(environment)
        try:
            await asyncio.sleep(self.job_takes)
        except asyncio.CancelledError:
            self.left_off.append(name)
            raise
        return self.ends.get(name.partition("-")[0], Ended(0))

    async def forget(self, release: Release) -> None:
        self.calls.append(f"forget {release.number}")

    def refuse(self, app: App) -> None:
        return

    async def _turns(self) -> None:
        for _ in range(self.slow):
            await asyncio.sleep(0)


@dataclass
class MemoryTraffic:
    """`answers` are statuses by address (200 where none is given); `open_now` are the counts that are asked for, in turn."""

    world: World
    calls: list[str] = field(default_factory=list)
    answers: dict[str, int | None] = field(default_factory=dict)
    asked: list[tuple[Endpoint, str, str]] = field(default_factory=list)
    open_now: list[int] = field(default_factory=list)
    probe_fails: FairwayError | None = None
    rejects: FairwayError | None = None
    tables: list[RoutingTable] = field(default_factory=list)
    counted: Callable[[Revision, int], Scrape | None] = lambda revision, number: None
    """What is counted for a revision at the n-th scrape."""
    scrapes: int = 0
    mute: bool = False
    """Whether it fails when it is asked for its counts."""

    async def start(self) -> None:
        self.calls.append("start the gateway")

    async def counts(self, revisions: Collection[Revision]) -> Mapping[str, Scrape]:
        self.scrapes += 1
        await asyncio.sleep(0)
        if self.mute:
            raise GatewayError("the gateway does not tell its counts")
        found = {revision.name: self.counted(revision, self.scrapes) for revision in revisions}
        return {name: scrape for name, scrape in found.items() if scrape}

    async def observe(self) -> RoutingTable | None:
        await asyncio.sleep(0)
        return self.world.live

    async def apply(self, table: RoutingTable) -> None:
        self.calls.append(f"apply {shown(table)}")
        await asyncio.sleep(0)
        if self.rejects:
            raise self.rejects
        self.world.live = table
        self.tables.append(table)

    async def probe(self, endpoint: Endpoint, path: str, *, host: str = "", timeout: float = 1.0) -> int | None:
        self.asked.append((endpoint, path, host))
        await asyncio.sleep(0)
        if self.probe_fails:
            raise self.probe_fails
        return self.answers.get(endpoint.address, 200)

    async def in_flight(self, endpoints: Collection[Endpoint]) -> int:
        count = self.open_now.pop(0) if self.open_now else 0
        self.calls.append(f"in flight {count}")
        await asyncio.sleep(0)
        return count


def shown(table: RoutingTable) -> str:
    """`web: web-r2 2 [+ + -]`: a revision's weight, and its endpoints (- is draining)."""
    services = []
    for routed in table.services:
        backends = (
            f"{b.revision} {b.weight} [{' '.join('-' if p.draining else '+' for p in b.endpoints)}]"
            for b in routed.backends
        )
        services.append(f"{routed.service}: {', '.join(backends) or 'nobody'}")
    return "; ".join(services)


@dataclass
class House:
    """A world with its ports, whose calls are written into one list."""

    world: World = field(default_factory=World)
    calls: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    notes: list[Progress] = field(default_factory=list)
    """All that was written into the ledger."""
    unwritable: FairwayError | None = None
    """What the ledger says instead of taking a note."""

    def __post_init__(self) -> None:
        self.engine = MemoryEngine(self.world, self.calls, on_start=self.well)
        self.traffic = MemoryTraffic(self.world, self.calls)

    def well(self, replica: Replica) -> None:
        """Jobs end well, and everything else is healthy, as soon as it has started."""
        job = replica.revision.service.startswith("job")
        if job:
            self.world.change(replica, state=State.EXITED, exit_code=0)
        elif replica.health is Health.STARTING:
            self.world.change(replica, state=State.RUNNING, health=Health.HEALTHY)

    def conductor(self, release: Release) -> Conductor:
        before = tuple(self.world.releases)
        return Conductor(
            engine=self.engine,
            traffic=self.traffic,
            release=release,
            before=before,
            secrets={},
            emit=self.events.append,
            leaving=Leaving(self.engine, self.traffic, release, before, self.events.append),
            orders=Orders(release.number),
            journal=Journal(self.world.progress.get(release.number, Progress()), partial(self.note, release)),
        )

    async def note(self, release: Release, progress: Progress) -> None:
        await asyncio.sleep(0)
        if self.unwritable:
            raise self.unwritable
        self.notes.append(progress)
        self.world.progress[release.number] = progress

    def observe(self, release: Release) -> Fleet:
        return seen(self.world.fleet, self.world.live, release)
