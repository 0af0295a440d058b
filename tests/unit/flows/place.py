"""One environment in memory, whole: stories are played in it from their beginning to their end, by several deployers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from fairway.flows import deploy as stories
from fairway.flows import orders
from fairway.flows import proposal as proposals
from fairway.flows.context import Target
from fairway.flows.ingredients import _versions
from fairway.flows.orders import Ordered
from fairway.flows.status import Status, status
from fairway.flows.undo import lead_back
from fairway.model.errors import EngineError, Locked
from fairway.model.events import StepStarted
from fairway.model.fleet import Health, Replica
from fairway.model.garbage import Retention
from fairway.model.orders import Order, Signal
from fairway.model.release import Progress, Record, Release
from fairway.model.steps import Step
from fairway.ports import Holder, LogLine
from fairway.ports.certificates import Certifying
from fairway.rollout.course import moment
from fairway.rollout.propose import Ingredients
from tests.unit.conduct.ports import House
from tests.unit.flows.deployers import Line, Reached, Story
from tests.unit.rollout.drive import weighted
from tests.unit.rollout.parts import ENVIRONMENT, Specs, ingredients, line
from tests.unit.rollout.world import LONG_AGO, World

Rollouts = Mapping[str, Any]
"""What is different in a service's Rollout, where a Spec has no word for it."""


@dataclass
class Place:
    """The ledger, the lease, the orders and the console of an environment, beside its engine and its gateway."""

    house: House = field(default_factory=House)
    given: list[Signal] = field(default_factory=list)
    leader: Holder | None = None
    secrets: dict[str, bytes] = field(default_factory=dict)
    """The values that deployers have now."""
    certifying: Certifying | None = None
    kept_values: dict[str, bytes] = field(default_factory=dict)
    """Those that can be had of earlier releases."""
    kept: list[tuple[int, ...]] = field(default_factory=list)
    """The releases whose files were to stay, each time that they were tidied up."""
    retention: Retention = field(default_factory=lambda: Retention(younger_than=0))
    later: float = 0.0
    """Seconds since this began."""
    finished: dict[int, str] = field(default_factory=dict)
    concluded: list[tuple[int, str]] = field(default_factory=list)
    """Releases and what became of them, as it was written down."""
    _holding: tuple[asyncio.Task[Any], asyncio.Event] | None = None
    _listening: set[asyncio.Event] = field(default_factory=set)

    @property
    def world(self) -> World:
        return self.house.world

    @property
    def steps(self) -> list[str]:
        """What the story that was begun last has set out to do, in order."""
        return [line(step) for step in self.begun]

    @property
    def begun(self) -> list[Step]:
        return [event.step for event in self.house.events if isinstance(event, StepStarted)]

    def outcome(self, number: int) -> str:
        return self.world.outcomes.get(number, "")

    def shares(self, service: str) -> dict[str, int]:
        """Of the revisions that get requests."""
        return {backend.revision: backend.weight for backend in weighted(self.world, service)}

    def replicas(self, revision: str) -> list[Replica]:
        return [replica for replica in self.world.replicas.values() if replica.revision.name == revision]

    def remove(self, name: str) -> None:
        del self.world.replicas[self._named(name).id]
        self.house.engine.tell()

    def change(self, name: str, **changes: object) -> None:
        self.house.engine.change(self._named(name), **changes)

    def sicken(self, name: str) -> None:
        self.change(name, health=Health.UNHEALTHY)

    def _named(self, name: str) -> Replica:
        return next(replica for replica in self.world.replicas.values() if replica.name == name)

    # Stories

    def wanted(self, specs: Specs, **rollouts: Rollouts) -> Ingredients:
        made = ingredients(specs)
        policies = {
            name: replace(policy, rollout=replace(policy.rollout, **rollouts.get(name, {})))
            for name, policy in made.policies.items()
        }
        return replace(made, policies=policies, secrets=_versions(ENVIRONMENT, self.secrets))

    def deploying(self, specs: Specs, **rollouts: Rollouts) -> Story:
        proposed = proposals.of(self.wanted(specs, **rollouts))

        async def gathered() -> proposals.Propose:
            return proposed

        return self._play(lambda target: stories.deploy(target, gathered(), self.secrets, self.house.events.append))

    async def deploy(self, specs: Specs, **rollouts: Rollouts) -> Release:
        deployed = await self.deploying(specs, **rollouts).end()
        assert isinstance(deployed, stories.Deployed)
        return deployed.release

    def going_back(self, number: int) -> Story:
        release = next(known for known in self.world.releases if known.number == number)
        return self._play(
            lambda target: stories.deploy(
                target, proposals.back_to(release, target), self.secrets, self.house.events.append
            )
        )

    def resuming(self) -> Story:
        return self._play(lambda target: stories.resume(target, self.secrets, self.house.events.append))

    def leading_back(self) -> Story:
        return self._play(lambda target: lead_back(target, self.secrets, self.house.events.append))

    def reconciling(self) -> Story:
        return self._play(lambda target: stories.reconcile(target, self.secrets, self.house.events.append))

    async def status(self) -> Status:
        return await status(self.target())

    async def say(self, order: Order, by: str = "bob@desk") -> Ordered:
        return await orders.send(replace(self.target(), by=by), order)

    def _play(self, story: Callable[[Target], Coroutine[Any, Any, object]]) -> Story:
        self.house.events.clear()
        line = Line()
        return Story(line, asyncio.create_task(story(self.target(line))))

    def target(self, line: Line | None = None) -> Target:
        def port(there: object) -> Any:
            return Reached(there, line) if line else there

        return Target(
            environment=ENVIRONMENT,
            engine=port(self.house.engine),
            traffic=port(self.house.traffic),
            ledger=port(self),
            leases=port(self),
            signals=port(self),
            console=port(self),
            files=port(self),
            values=self.values,
            retention=self.retention,
            by="ann@desk",
            doing="fairway deploy",
            certifying=self.certifying,
            clock=self.clock,
        )

    def clock(self) -> str:
        return datetime.fromtimestamp(moment(LONG_AGO) + self.later, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    # Ledger

    async def read(self) -> tuple[Record, ...]:
        await asyncio.sleep(0)
        found = (
            replace(record, finished=self.finished.get(record.release.number, "")) for record in self.world.records
        )
        return tuple(sorted(found, key=lambda record: record.release.number))

    async def intend(self, release: Release) -> None:
        await asyncio.sleep(0)
        self.world.releases.append(release)

    async def note(self, release: Release, progress: Progress) -> None:
        await self.house.note(release, progress)

    async def conclude(self, release: Release, outcome: str, detail: str = "") -> None:
        await asyncio.sleep(0)
        self.concluded.append((release.number, outcome))
        self.world.outcomes[release.number] = outcome
        self.finished[release.number] = self.clock()

    # Files

    async def keep(self, releases: Sequence[Release]) -> None:
        self.kept.append(tuple(release.number for release in releases))

    async def values(self, release: Release) -> Mapping[str, bytes]:
        return {name: value for name, value in self.kept_values.items() if name in release.secrets}

    # Leases

    @asynccontextmanager
    async def hold(self, doing: str, wait: float = 0.0) -> AsyncIterator[asyncio.Event]:
        if self.leader:
            raise Locked(f"{ENVIRONMENT} is locked")
        body, lost = asyncio.current_task(), asyncio.Event()
        assert body
        asked = body.cancelling()
        self.leader, self._holding = Holder("ann@desk", doing, moment(self.clock())), (body, lost)
        try:
            yield lost
        except asyncio.CancelledError:
            if lost.is_set() and body.uncancel() <= asked:
                raise EngineError(f"The lease of {ENVIRONMENT} was lost") from None
            raise
        finally:
            self.leader = self._holding = None

    def lose_lease(self) -> None:
        assert self._holding
        body, lost = self._holding
        lost.set()
        body.cancel()

    async def holder(self) -> Holder | None:
        return self.leader

    # Signals

    async def send(self, order: Order, release: int, by: str, *, phase: int = 0) -> None:
        self.given.append(Signal(order=order, release=release, by=by, at=float(len(self.given)), phase=phase))
        for news in self._listening:
            news.set()

    async def watch(self) -> AsyncIterator[tuple[Signal, ...]]:
        news = asyncio.Event()
        self._listening.add(news)
        try:
            while True:
                news.clear()
                yield tuple(self.given)
                await news.wait()
        finally:
            self._listening.discard(news)

    async def clear(self) -> None:
        self.given.clear()

    # Console

    async def logs(self, replicas: Sequence[Replica], **_: object) -> AsyncIterator[LogLine]:
        for replica in replicas:
            yield LogLine(replica, 0.0, f"the last words of {replica.name}")
