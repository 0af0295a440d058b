"""When a replica is ready, and when it can no longer become so."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence

from fairway.model.errors import NotReady
from fairway.model.fleet import Fleet, Health, Replica, State
from fairway.model.policy import ServicePolicy
from fairway.model.routes import Endpoint
from fairway.ports import Engine, Traffic

PROBE_EVERY = 0.05
"""Seconds between two questions to a replica that does not answer yet: nothing tells when it will."""
TICK = 0.25
"""Seconds between two looks at the deadlines."""


async def await_ready(
    engine: Engine, traffic: Traffic | None, wanted: Sequence[tuple[Replica, ServicePolicy]], *, started: float
) -> None:
    """Returns when each replica is ready; raises NotReady as soon as one has failed, or its deadline is over.

    `started` is a time of this machine's monotonic clock, in seconds.
    """
    sight = _Sight()
    tasks = [asyncio.create_task(sight.follow(engine)), asyncio.create_task(sight.probe(traffic, wanted))]
    waiting = list(wanted)
    try:
        while waiting:
            await sight.news(tasks)
            waiting = [(known, policy) for known, policy in waiting if not sight.ready(known, policy, started)]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def await_exit(engine: Engine, wanted: Sequence[Replica], deadline: float) -> None:
    """Returns when each replica has ended with exit status 0; raises NotReady otherwise."""
    waiting = {replica.id: replica for replica in wanted}
    try:
        async with asyncio.timeout(deadline):
            async for fleet in engine.watch():
                for known in list(waiting.values()):
                    replica = next((r for r in fleet.replicas if r.id == known.id), None)
                    if replica and replica.state is State.EXITED and replica.exit_code == 0:
                        del waiting[known.id]
                    elif replica is None or replica.state in (State.EXITED, State.DEAD):
                        raise NotReady(
                            f"{known.name} did not end well",
                            where=known.host,
                            why=describe(replica),
                            replica=known.name,
                        )
                if not waiting:
                    return
    except TimeoutError:
        names = ", ".join(sorted(replica.name for replica in waiting.values()))
        raise NotReady(f"{names} did not end within {deadline:g} s", hint="raise `ready.deadline`") from None


def describe(replica: Replica | None) -> str:
    """Why a replica is not well, in words."""
    if replica is None:
        return "it is gone: somebody removed it"
    if replica.oom_killed:
        return (
            f"it was killed by its memory limit (exit status {replica.exit_code}): raise deploy.resources.limits.memory"
        )
    if replica.state in (State.EXITED, State.DEAD):
        return f"it ended with exit status {replica.exit_code}"
    if replica.restarts:
        return f"it crashed and was restarted {replica.restarts} times"
    if replica.health is Health.UNHEALTHY:
        return "its healthcheck fails"
    return f"it is {replica.state}, health {replica.health}"


class _Sight:
    """What is known of the replicas that one waits for: the fleet as last seen, and who has answered a probe."""

    def __init__(self) -> None:
        self.fleet: Fleet | None = None
        self.answered: dict[str, int] = {}
        self.up_since: dict[str, float] = {}
        """By this machine's clock: the host's may differ."""
        self.changed = asyncio.Event()

    async def follow(self, engine: Engine) -> None:
        async for self.fleet in engine.watch():
            self.changed.set()

    async def probe(self, traffic: Traffic | None, wanted: Sequence[tuple[Replica, ServicePolicy]]) -> None:
        """Asks each replica that is probed until it says that it is ready."""
        probed = [(replica, policy) for replica, policy in wanted if policy.ready.http]
        await asyncio.gather(*(self._probe(traffic, replica, policy) for replica, policy in probed if traffic))

    async def _probe(self, traffic: Traffic, replica: Replica, policy: ServicePolicy) -> None:
        port = policy.ready.port or (policy.route.port if policy.route else 80)
        host = next((host for host in (policy.route.hosts if policy.route else ()) if "*" not in host), "")
        while True:
            status = await traffic.probe(Endpoint(replica.address, port), policy.ready.http or "/", host=host)
            self.answered[replica.id] = status or 0
            if _good(status, policy.ready.status):
                self.changed.set()
                return
            await asyncio.sleep(PROBE_EVERY)

    async def news(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Until something has changed, or a short time for deadlines to be looked at has passed."""
        self.changed.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.changed.wait(), TICK)
        for task in tasks:
            if task.done():
                task.result()

    def ready(self, known: Replica, policy: ServicePolicy, started: float) -> bool:
        if self.fleet is None:
            return False
        replica = next((r for r in self.fleet.replicas if r.id == known.id), None)
        now = time.monotonic()
        if replica is None or _has_failed(known, replica):
            raise NotReady(
                f"{known.name} failed before it was ready", where=known.host, why=describe(replica), replica=known.name
            )
        if self._is_ready(replica, policy, now):
            return True
        if now - started > policy.ready.deadline:
            raise NotReady(
                f"{known.name} was not ready within {policy.ready.deadline:g} s",
                where=known.host,
                why=self._why_not(replica, policy),
                hint="raise `ready.deadline` if it needs longer to start",
                replica=known.name,
            )
        return False

    def _is_ready(self, replica: Replica, policy: ServicePolicy, now: float) -> bool:
        if policy.ready.http and replica.alive:
            return _good(self.answered.get(replica.id), policy.ready.status)
        if not replica.up:
            self.up_since.pop(replica.id, None)
            return False
        up_since = self.up_since.setdefault(replica.id, now)
        if replica.health is Health.HEALTHY and not policy.ready.min_ready:
            return True
        return now - up_since >= policy.ready.min_ready

    def _why_not(self, replica: Replica, policy: ServicePolicy) -> str:
        if replica.alive and policy.ready.http:
            answer = self.answered.get(replica.id)
            said = f"answered {answer}" if answer else "did not answer"
            return f"GET {policy.ready.http} {said}"
        return describe(replica)


def _has_failed(known: Replica, replica: Replica) -> bool:
    """A crash is a crash, even where the restart policy hides it."""
    ended = replica.state in (State.EXITED, State.DEAD)
    return ended or replica.health is Health.UNHEALTHY or replica.restarts > known.restarts


def _good(status: int | None, exact: int | None) -> bool:
    if not status:
        return False
    return status == exact if exact else 200 <= status < 400
