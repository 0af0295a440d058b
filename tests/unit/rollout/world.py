"""A small world that steps change: replicas and a gateway's table, as an engine and a gateway keep them by their contracts.

Routed services are ready when they answer a probe, which nobody sees afterwards; the others have a healthcheck.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from fairway.conduct.routing import beside, draining, ports, seen, table, without
from fairway.model.fleet import Fleet, Health, Replica, State
from fairway.model.release import Progress, Record, Release, Revision
from fairway.model.routes import RoutingTable
from fairway.model.steps import AwaitExit, AwaitReady, Drain, Ensure, Hold, Retire, RunOnce, Shift, Step, Want
from fairway.rollout.course import Course, course, moment
from fairway.rollout.moves import is_job
from tests.unit.rollout.parts import ENVIRONMENT, Specs
from tests.unit.rollout.parts import release as proposed

LONG_AGO = "2020-01-01T00:00:00Z"
"""When every release was promoted."""


@dataclass
class World:
    replicas: dict[str, Replica] = field(default_factory=dict)
    live: RoutingTable | None = None
    proven: set[str] = field(default_factory=set)
    """Replicas that really are ready."""
    releases: list[Release] = field(default_factory=list)
    outcomes: dict[int, str] = field(default_factory=dict)
    progress: dict[int, Progress] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    """Jobs, as often as they were run."""
    age: float = 0.0
    """Seconds since every release was promoted."""
    broken: set[str] = field(default_factory=set)
    """Revisions that never get ready."""
    _ids: Iterator[int] = field(default_factory=itertools.count)

    @property
    def fleet(self) -> Fleet:
        return Fleet(environment=ENVIRONMENT, replicas=tuple(self.replicas.values()))

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(
            Record(
                release=release,
                outcome=(outcome := self.outcomes.get(release.number, "")),
                finished=LONG_AGO if outcome else "",
                progress=self.progress.get(release.number, Progress()),
            )
            for release in self.releases
        )

    def course(self, release: Release) -> Course:
        return course(self.records, release, moment(LONG_AGO) + self.age)

    def observe(self, release: Release) -> Fleet:
        return seen(self.fleet, self.live, release)

    def propose(self, specs: Specs) -> Release:
        """What a deployer would be led to, written down as it would."""
        release = proposed(specs, self.records, self.fleet)
        for known in self.releases:
            if not self.outcomes.get(known.number) and known.number != release.number:
                self.outcomes[known.number] = "interrupted"
        if all(known.number != release.number for known in self.releases):
            self.releases.append(release)
        return release

    def make(self, revision: Revision, index: int, *, health: Health = Health.NONE) -> Replica:
        number = next(self._ids)
        replica = Replica(
            id=f"id{number}",
            name=f"{revision}-{index}",
            revision=revision,
            index=index,
            host="one",
            address=f"10.0.{number // 250}.{number % 250 + 1}",
            state=State.RUNNING,
            health=health,
        )
        self.replicas[replica.id] = replica
        return replica

    def change(
        self, replica: Replica, *, state: State, exit_code: int | None = None, health: Health = Health.NONE
    ) -> None:
        self.replicas[replica.id] = replace(replica, state=state, exit_code=exit_code, health=health)
        if state is not State.RUNNING or health is Health.UNHEALTHY:
            self.proven.discard(replica.id)

    def ensure(self, release: Release, want: Want) -> None:
        mine = self.fleet.of(want.revision)
        service = want.revision.service
        job = is_job(release, service)
        health = Health.NONE if job or release.policy(service).route else Health.STARTING
        for replica in mine:
            finished = job and replica.exit_code == 0
            if replica.state in (State.EXITED, State.CREATED) and not finished:
                self.change(replica, state=State.RUNNING, health=health)
                if replica.id in seen(self.fleet, self.live, None).serving:
                    self.proven.add(replica.id)  # the gateway knows it, and judges by itself when it answers again
        taken = {replica.index for replica in mine}
        free = (index for index in itertools.count(1) if index not in taken)
        for index in itertools.islice(free, max(0, want.replicas - len(mine))):
            self.make(want.revision, index, health=health)

    def retire(self, revision: Revision, replicas: int) -> None:
        for replica in self.fleet.of(revision)[replicas:]:
            del self.replicas[replica.id]


@dataclass
class Deployer:
    """Performs steps in a world. `half` of a step is what one that is killed within it leaves."""

    world: World
    release: Release
    ready: set[str] = field(default_factory=set)

    def perform(self, step: Step) -> bool:  # noqa: C901
        match step:
            case Ensure(wants):
                for want in wants:
                    self.world.ensure(self.release, want)
            case AwaitReady(wants):
                return all(self._await(want) for want in wants)
            case AwaitExit(wants):
                return all(self._await_exit(want) for want in wants)
            case Shift(weights, steering, others):
                known = ports(*self.world.releases)
                fleet, ready = self.world.fleet, self.ready
                wanted = table(fleet, self.release, weights, ports=known, ready=ready, steering=steering)
                self.world.live = beside(self.world.live, wanted, weights.keys()) if others else wanted
            case Hold(_, watch, phase=phase):
                if phase:
                    self._note(phase=phase)
                return all(r.alive for want in watch for r in self.world.fleet.of(want.revision)[: want.replicas])
            case RunOnce(name=name, key=key):
                self.world.ran.append(name)
                self._note(done=(*self._progress.done, *filter(None, [key])))
            case Drain(wants):
                self._drain(wants)
                if self.world.live:
                    self.world.live = without(self.world.live, self._going(wants))
            case Retire(wants):
                for want in wants:
                    self.world.retire(want.revision, want.replicas)
        return True

    def half(self, step: Step) -> None:
        match step:
            case Ensure(wants):
                self.perform(Ensure(wants[: (len(wants) + 1) // 2]))
            case Drain(wants):
                self._drain(wants)
            case Retire(wants):
                self.perform(Retire(wants[: (len(wants) + 1) // 2]))

    @property
    def _progress(self) -> Progress:
        return self.world.progress.get(self.release.number, Progress())

    def _note(self, **what: Any) -> None:
        self.world.progress[self.release.number] = replace(self._progress, **what)

    def _going(self, wants: tuple[Want, ...]) -> list[Replica]:
        return [replica for want in wants for replica in self.world.fleet.of(want.revision)[want.replicas :]]

    def _drain(self, wants: tuple[Want, ...]) -> None:
        if self.world.live:
            self.world.live = draining(self.world.live, self._going(wants))

    def _await(self, want: Want) -> bool:
        replicas = self.world.fleet.of(want.revision)[: want.replicas]
        bad = sum(not replica.alive for replica in replicas)
        if len(replicas) < want.replicas or bad > want.spare or want.revision.name in self.world.broken:
            return False
        for replica in replicas:
            healthy = Health.HEALTHY if replica.health is Health.STARTING else replica.health
            if replica.alive:
                self.world.change(replica, state=State.RUNNING, health=healthy)
                self.world.proven.add(replica.id)
                self.ready.add(replica.id)
        return True

    def _await_exit(self, want: Want) -> bool:
        replicas = self.world.fleet.of(want.revision)[: want.replicas]
        if len(replicas) < want.replicas or want.revision.name in self.world.broken:
            return False
        for replica in replicas:
            self.world.change(replica, state=State.EXITED, exit_code=0)
        return True
