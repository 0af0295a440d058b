"""Drives a strategy: performs each step through the ports, and tells the strategy what became of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager

from msgspec import Struct, field
from msgspec.structs import replace

from fairway.conduct.drain import Leaving
from fairway.conduct.holding import hold, watch
from fairway.conduct.jobs import Jobs
from fairway.conduct.journal import Journal
from fairway.conduct.judging import Court
from fairway.conduct.orders import Orders
from fairway.conduct.probing import Reach
from fairway.conduct.ready import await_exit, await_ready, describe
from fairway.conduct.routing import beside, ports, table
from fairway.conduct.together import together
from fairway.model.errors import FairwayError, GatewayRejected, NotReady
from fairway.model.events import Emit, Note, StepEnded, StepFailed, StepStarted
from fairway.model.fleet import Fleet, Replica
from fairway.model.release import Release, Revision
from fairway.model.steps import (
    AwaitExit,
    AwaitReady,
    Drain,
    Ensure,
    Hold,
    Outcome,
    Retire,
    RunOnce,
    Shift,
    Step,
    Strategy,
    Trial,
    Verdict,
    Want,
)
from fairway.ports import Engine, Metrics, Traffic


class Conductor(Struct):
    """Leads one environment to `release`. `before` are earlier releases whose revisions may still serve."""

    engine: Engine
    traffic: Traffic | None
    release: Release
    before: tuple[Release, ...]
    secrets: Mapping[str, bytes]
    emit: Emit
    leaving: Leaving
    orders: Orders = field(default_factory=lambda: Orders(0))
    """Those to `release`; none on the way back."""
    journal: Journal = field(default_factory=Journal)
    metrics: Metrics | None = None
    error: FairwayError | None = None
    """Why the last step that failed did."""
    opening: Awaitable[None] | None = None
    """What has to have happened before any step but the first start of replicas: they boot meanwhile."""
    touched: bool = False
    """Whether anything that served before has been touched: its traffic, or itself."""
    _ready: set[str] = field(default_factory=set)
    """Replicas that may get requests: those that did when this began, and those that have shown that they are ready."""
    _restarts: Mapping[str, int] = field(default_factory=dict)
    """How often each replica had been restarted when this began."""
    _started: float = 0.0

    async def conduct(self, strategy: Strategy, fleet: Fleet) -> Verdict:
        self._ready = set(fleet.serving)
        self._restarts = {replica.id: replica.restarts for replica in fleet.replicas}
        self._started = time.monotonic()
        try:
            step = next(strategy)
            while True:
                step = strategy.send(await self._attempt(step))
        except StopIteration as stop:
            verdict: Verdict = stop.value
            return verdict

    async def _attempt(self, step: Step) -> Outcome:
        self.emit(StepStarted(step))
        touched = self.touched
        began = time.monotonic()
        try:
            await self._unless_aborted(step)
        except FairwayError as error:
            self.error = error
            self.touched = touched if isinstance(error, GatewayRejected) else self.touched
            self.emit(StepFailed(step, error))
            return Outcome(error)
        self.emit(StepEnded(step, time.monotonic() - began))
        return Outcome()

    def _touches(self, step: Step) -> bool:
        """Whether it changes what users get, or what they got it from. A phase without traffic does not, nor do copies."""
        match step:
            case Shift(weights, steering, others=True):
                moved = any(self.release.revisions[service].name in shares for service, shares in weights.items())
                return moved or any(steered.match for steered in steering.values())
            case _:
                return isinstance(step, Shift | Drain | Retire)

    async def _unless_aborted(self, step: Step) -> None:
        """What waits is left off at once; what changes something is done to its end; what is old is removed all the same."""
        match step:
            case Drain() | Retire():
                await self._perform(step)
            case Ensure() | Shift():
                if isinstance(step, Shift):
                    with self._clock_stopped():
                        await self.orders.unless_aborted(self.orders.unpaused())
                self.orders.refuse_aborted()
                await self._perform(step)
                self.orders.refuse_aborted()
            case _:
                self.orders.refuse_aborted()
                await self.orders.unless_aborted(self._perform(step))

    async def _perform(self, step: Step) -> None:  # one case a step, one line a case
        if self.opening and not isinstance(step, Ensure):
            with self._clock_stopped():
                await asyncio.shield(self.opening)  # whoever leaves off a step leaves this alone
        self.touched = self.touched or self._touches(step)
        match step:
            case Ensure(wants):
                await together(self._ensure(want) for want in wants)
            case AwaitReady(wants):
                await self._await_ready(wants)
            case AwaitExit(wants):
                await self._await_exit(wants)
            case Shift():
                await self._shift(step)
            case Hold():
                with self._clock_stopped():
                    await self._hold(step)
            case RunOnce():
                with self._clock_stopped():
                    await self._run_once(step)
            case Drain(wants):
                with self._clock_stopped():
                    await self.leaving.drain(wants)
            case Retire(wants):
                await self.leaving.retire(wants)

    @property
    def _jobs(self) -> Jobs:
        return Jobs(self.engine, self.release, self.before, self.secrets, self._ready)

    @contextmanager
    def _clock_stopped(self) -> Iterator[None]:
        """What is waited for on purpose does not count against the rollout's deadline."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._started += time.monotonic() - began

    async def _ensure(self, want: Want) -> None:
        await self.engine.ensure(self.release, want.revision, want.replicas, self.secrets)

    async def _replicas(self, wants: tuple[Want, ...]) -> list[Replica]:
        """As many as are wanted, with the restarts they had before this began: a crash since then must be noticed."""
        fleet = await self.engine.observe()
        found = []
        for want in wants:
            replicas = fleet.of(want.revision)[: want.replicas]
            if len(replicas) < want.replicas:
                raise NotReady(
                    f"{want.revision} has {len(replicas)} of {want.replicas} replicas: the others are gone",
                    hint="see `fairway logs`",
                )
            found += [replace(r, restarts=min(r.restarts, self._restarts.get(r.id, 0))) for r in replicas]
        return found

    async def _await_ready(self, wants: tuple[Want, ...]) -> None:
        replicas = await self._replicas(wants)
        wanted = [(replica, self.release.policy(replica.revision.service)) for replica in replicas]
        deadline = min(self.release.policy(want.revision.service).rollout.deadline for want in wants)
        remaining = deadline - (time.monotonic() - self._started)
        try:
            async with asyncio.timeout(max(1.0, remaining)) as limit:
                spared = await await_ready(
                    self.engine, self.traffic, wanted, started=time.monotonic(), spare=_spare(wants)
                )
        except TimeoutError:
            if not limit.expired():
                raise
            names = ", ".join(str(want.revision) for want in wants)
            raise NotReady(
                f"the rollout did not end within {deadline:g} s: {names} not ready", hint="raise `rollout.deadline`"
            ) from None
        for error in spared.values():
            self.emit(Note(f"{error.what}: {error.why}; it goes on without that one", "warning"))
        self._ready |= {replica.id for replica in replicas} - spared.keys()

    async def _await_exit(self, wants: tuple[Want, ...]) -> None:
        deadline = max(self.release.policy(want.revision.service).ready.deadline for want in wants)
        await await_exit(self.engine, await self._replicas(wants), deadline)

    async def _shift(self, step: Shift) -> None:
        """Raises NotReady where a revision is to get requests and nothing of it lives: better no change than an outage."""
        if not self.traffic:
            return
        fleet = await self.engine.observe()
        for service in step.weights:
            revision = self.release.revisions[service]
            replicas = [replica for replica in fleet.of(revision) if replica.id in self._ready]
            if not any(replica.alive for replica in replicas):
                dead = replicas[0] if replicas else None
                raise NotReady(
                    f"{revision} was ready, and is no longer", why=describe(dead), replica=dead.name if dead else ""
                )
        known = ports(*self.before, self.release)
        wanted = table(fleet, self.release, step.weights, ports=known, ready=self._ready, steering=step.steering)
        if step.others:
            wanted = beside(await self.traffic.observe(), wanted, step.weights.keys())
        await self.traffic.apply(wanted)

    async def _hold(self, step: Hold) -> None:
        await self._enter(step)
        watched = await self._replicas(step.watch)
        courts = [self._court(self.traffic, trial) for trial in step.trials if self.traffic]
        await hold(step, self.orders, watch(self.engine, watched, _spare(step.watch)), courts)

    def _court(self, traffic: Traffic, trial: Trial) -> Court:
        reach = Reach(self._jobs, traffic, self.metrics)
        return Court(trial, traffic, self.orders, self.emit, self.journal.judged, probe=reach.prober(trial))

    async def _enter(self, step: Hold) -> None:
        """Where it cannot be noted, whoever goes on begins a phase earlier; but nobody could approve what is not noted."""
        try:
            await self.journal.enter(step)
        except FairwayError as error:
            if step.approve:
                raise
            self.emit(Note(f"that phase {step.phase} has begun could not be noted: {error.what}", "warning"))

    async def _run_once(self, step: RunOnce) -> None:
        jobs = self._jobs
        if step.once and step.key not in self.journal.done:
            await jobs.run(step, step.name)
            await self.journal.ran(step.key)
        elif not (step.once or self.orders.promoted):  # whoever promotes at once wants no check
            name = f"{step.name}-{time.time_ns() // 1_000_000}"  # it is run anew each time
            await self.orders.unless_promoted(jobs.run(step, name))


def _spare(wants: tuple[Want, ...]) -> Mapping[Revision, int]:
    return {want.revision: want.spare for want in wants}
