"""Drives a strategy: performs each step through the ports, and tells the strategy what became of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from fairway.conduct.drain import drained
from fairway.conduct.ready import await_exit, await_ready, describe
from fairway.conduct.routing import ports, table
from fairway.model.errors import FairwayError, NotReady
from fairway.model.events import Emit, StepEnded, StepFailed, StepStarted
from fairway.model.fleet import Fleet, Replica, Weights
from fairway.model.release import Release
from fairway.model.routes import Endpoint
from fairway.model.steps import (
    AwaitExit,
    AwaitReady,
    Drain,
    Ensure,
    Hold,
    Outcome,
    Retire,
    Shift,
    Step,
    Strategy,
    Verdict,
    Want,
)
from fairway.ports import Engine, Traffic

DRAIN_TIMEOUT = 10.0
"""Seconds, where neither fairway.yaml nor stop_grace_period says how long requests in flight may go on."""


@dataclass(slots=True)
class Conductor:
    """Leads one environment to `release`. `before` are earlier releases whose revisions may still serve."""

    engine: Engine
    traffic: Traffic | None
    release: Release
    before: tuple[Release, ...]
    secrets: Mapping[str, bytes]
    emit: Emit
    error: FairwayError | None = None
    """Why the last step that failed did."""
    touched: bool = False
    """Whether anything that served before has been touched: its traffic, or itself."""
    _weights: Weights = field(default_factory=dict)
    _ready: set[str] = field(default_factory=set)
    """Replicas that may get requests: those that did when this began, and those that have shown that they are ready."""
    _draining: set[str] = field(default_factory=set)
    _started: float = 0.0

    async def conduct(self, strategy: Strategy, fleet: Fleet) -> Verdict:
        self._weights = fleet.weights
        self._ready = set(fleet.serving)
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
        self.touched = self.touched or isinstance(step, Shift | Drain | Retire)
        began = time.monotonic()
        try:
            await self._perform(step)
        except FairwayError as error:
            self.error = error
            self.emit(StepFailed(step, error))
            return Outcome(error)
        self.emit(StepEnded(step, time.monotonic() - began))
        return Outcome()

    async def _perform(self, step: Step) -> None:  # one case a step, one line a case
        match step:
            case Ensure(wants):
                await asyncio.gather(*(self._ensure(want) for want in wants))
            case AwaitReady(wants):
                await self._await_ready(wants)
            case AwaitExit(wants):
                fleet = await self.engine.observe()
                deadline = max(self.release.policy(want.revision.service).ready.deadline for want in wants)
                await await_exit(self.engine, [r for want in wants for r in fleet.of(want.revision)], deadline)
            case Shift(weights):
                self._weights = weights
                await self._route(await self.engine.observe())
            case Hold(seconds, watch, _):
                await self._hold(seconds, watch)
            case Drain(wants):
                await self._drain(wants)
            case Retire(wants):
                await self._retire(wants)

    async def _ensure(self, want: Want) -> None:
        await self.engine.ensure(self.release, want.revision, want.replicas, self.secrets)

    async def _await_ready(self, wants: tuple[Want, ...]) -> None:
        fleet = await self.engine.observe()
        wanted = []
        for want in wants:
            replicas = [replica for replica in fleet.of(want.revision) if replica.index <= want.replicas]
            if len(replicas) < want.replicas:
                raise NotReady(
                    f"{want.revision} has {len(replicas)} of {want.replicas} replicas: one ended before it was ready",
                    hint="see `fairway logs`",
                )
            wanted += [(replica, self.release.policy(want.revision.service)) for replica in replicas]
        deadline = min(self.release.policy(want.revision.service).rollout.deadline for want in wants)
        remaining = deadline - (time.monotonic() - self._started)
        try:
            async with asyncio.timeout(max(1.0, remaining)):
                await await_ready(self.engine, self.traffic, wanted, started=time.monotonic())
            self._ready |= {replica.id for replica, _ in wanted}
        except TimeoutError:
            names = ", ".join(str(want.revision) for want in wants)
            raise NotReady(
                f"the rollout did not end within {deadline:g} s: {names} not ready", hint="raise `rollout.deadline`"
            ) from None

    async def _route(self, fleet: Fleet, leaving: frozenset[str] = frozenset()) -> None:
        if self.traffic:
            known = ports(*self.before, self.release)
            wanted = table(
                fleet,
                self.release,
                self._weights,
                ports=known,
                ready=self._ready,
                draining=self._draining - leaving,
                leaving=leaving,
            )
            await self.traffic.apply(wanted)

    async def _hold(self, seconds: float, watch: tuple[Want, ...]) -> None:
        """A watched replica that dies, or that Docker restarts, ends the hold with an error."""
        before = {r.id: r for want in watch for r in (await self.engine.observe()).of(want.revision)}
        try:
            async with asyncio.timeout(seconds):
                async for fleet in self.engine.watch():
                    now = {replica.id: replica for replica in fleet.replicas}
                    for known in before.values():
                        replica = now.get(known.id)
                        if replica is None or not replica.up or replica.restarts > known.restarts:
                            raise NotReady(
                                f"{known.name} failed while it was watched",
                                where=known.host,
                                why=describe(replica),
                                replica=known.name,
                            )
        except TimeoutError:
            return

    async def _drain(self, wants: tuple[Want, ...]) -> None:
        """No new requests, then wait until those in flight are done, or their time is over; then the gateway forgets them."""
        if not self.traffic:
            return
        fleet = await self.engine.observe()
        known = ports(*self.before, self.release)
        going = {r.id: r for want in wants if want.revision.name in known for r in _beyond(fleet, want) if r.address}
        if not going:
            return
        self._draining |= going.keys()
        await self._route(fleet)
        endpoints = [Endpoint(r.address, known[r.revision.name], draining=True) for r in going.values()]
        timeout = max(self._drain_timeout(want.revision.service) for want in wants)
        await drained(self.traffic, endpoints, timeout)
        await self._route(fleet, frozenset(going))

    def _drain_timeout(self, service: str) -> float:
        rollout = self.release.policy(service).rollout
        if rollout.drain_timeout is not None:
            return rollout.drain_timeout
        spec = self.release.app.services.get(service)
        grace = spec.stop_grace_period if spec else None
        return DRAIN_TIMEOUT if grace is None else grace

    async def _retire(self, wants: tuple[Want, ...]) -> None:
        await asyncio.gather(*(self.engine.retire(want.revision, want.replicas) for want in wants))


def _beyond(fleet: Fleet, want: Want) -> tuple[Replica, ...]:
    return tuple(replica for replica in fleet.of(want.revision) if replica.index > want.replicas)
