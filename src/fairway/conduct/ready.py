"""When a replica is ready, and when it can no longer become so."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from fairway.conduct.routing import endpoint
from fairway.conduct.together import fleets
from fairway.model.errors import NotReady
from fairway.model.fleet import Fleet, Health, Replica, State
from fairway.model.policy import ServicePolicy
from fairway.model.release import Revision
from fairway.ports import Engine, Traffic

Spare = Mapping[Revision, int]
"""How many replicas of a revision may fail: none where it is not named."""

PROBE_EVERY = 0.05
"""Seconds between two questions to a replica that does not answer yet: nothing tells when it will."""
TICK = 0.25
"""Seconds between two looks at the deadlines."""


async def await_ready(
    engine: Engine,
    traffic: Traffic | None,
    wanted: Sequence[tuple[Replica, ServicePolicy]],
    *,
    started: float,
    spare: Spare = MappingProxyType({}),
) -> Mapping[str, NotReady]:
    """Returns when all replicas are ready at once; raises NotReady as soon as one has failed, or its deadline is over.

    `started` is a time of this machine's monotonic clock, in seconds. Those that are spared are returned, by their ids,
    with what is wrong with them.
    """
    probed = [(known, policy) for known, policy in wanted if policy.ready.http]
    if probed and traffic is None:
        raise NotReady(f"{probed[0][0].name} cannot be asked whether it is ready", why="no gateway runs to ask it")
    sight = _Sight(engine)
    tasks = [asyncio.create_task(sight.follow())]
    tasks += [asyncio.create_task(sight.probe(traffic, known, policy)) for known, policy in probed if traffic]
    for task in tasks:
        task.add_done_callback(lambda _: sight.changed.set())
    try:
        sight.began = started - engine.blind
        while not sight.all_ready(wanted, spare):
            await sight.news(tasks)
        return sight.spared
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def await_exit(engine: Engine, wanted: Sequence[Replica], deadline: float) -> None:
    """Returns when each replica has ended with exit status 0; raises NotReady otherwise."""
    waiting = {replica.id: replica for replica in wanted}
    try:
        async with asyncio.timeout(deadline) as limit, contextlib.aclosing(fleets(engine)) as stream:
            async for fleet in stream:
                for known in list(waiting.values()):
                    replica = find(fleet, known)
                    if replica and replica.state is State.EXITED and replica.exit_code == 0:
                        del waiting[known.id]
                    elif replica is None or replica.state in (State.EXITED, State.DEAD):
                        raise failed(known, "did not end well", replica)
                if not waiting:
                    return
    except TimeoutError:
        if not limit.expired():
            raise
        names = sorted(replica.name for replica in waiting.values())
        raise NotReady(
            f"{', '.join(names)} did not end within {deadline:g} s", hint="raise `ready.deadline`", replica=names[0]
        ) from None


def find(fleet: Fleet, known: Replica) -> Replica | None:
    return next((replica for replica in fleet.replicas if replica.id == known.id), None)


def failed(known: Replica, what: str, replica: Replica | None) -> NotReady:
    return NotReady(f"{known.name} {what}", where=known.host, why=describe(replica), replica=known.name)


def has_failed(known: Replica, replica: Replica | None) -> bool:
    """A crash is a crash, even where the restart policy hides it."""
    if replica is None or replica.state in (State.EXITED, State.DEAD):
        return True
    return replica.health is Health.UNHEALTHY or replica.restarts > known.restarts


def describe(replica: Replica | None) -> str:
    """Why a replica is not well, in words."""
    if replica is None:
        return "it is gone: somebody removed it"
    if replica.oom_killed:
        return "it was killed by its memory limit: raise deploy.resources.limits.memory"
    if replica.state in (State.EXITED, State.DEAD):
        dead = replica.state is State.DEAD and replica.complaint
        told = "it could not be started" if dead else f"it ended with exit status {replica.exit_code}"
        return f"{told}: {replica.complaint}" if replica.complaint else told
    said = f": {replica.complaint}" if replica.complaint else ""
    if replica.restarts:
        return f"it crashed and was restarted {'once' if replica.restarts == 1 else f'{replica.restarts} times'}{said}"
    if replica.health is Health.UNHEALTHY:
        return f"its healthcheck fails{said}"
    return f"it is {replica.state}{said or f', health {replica.health}'}"


class _Sight:
    """What is known of the replicas that one waits for: the fleet as last seen, and who has answered a probe."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.began = 0.0
        self.moved: dict[str, float] = {}
        """When a replica was found on another host than before: it has as much time there as one that is new."""
        self.hosts: dict[str, str] = {}
        self.fleet: Fleet | None = None
        self.answered: dict[str, int] = {}
        self.up_since: dict[str, float] = {}
        """By this machine's clock: the host's may differ."""
        self.spared: dict[str, NotReady] = {}
        self.changed = asyncio.Event()

    async def follow(self) -> None:
        async with contextlib.aclosing(fleets(self.engine)) as stream:
            async for self.fleet in stream:
                self.changed.set()

    async def probe(self, traffic: Traffic, known: Replica, policy: ServicePolicy) -> None:
        """Asks a replica until it says that it is ready."""
        port = policy.ready.port or (policy.route.port if policy.route else 80)
        host = next((host for host in (policy.route.hosts if policy.route else ()) if "*" not in host), "")
        while True:
            replica = (find(self.fleet, known) if self.fleet else None) or known
            status = await traffic.probe(endpoint(replica, port), policy.ready.http or "/", host=host)
            self.answered[known.id] = status or 0
            if _good(status, policy.ready.status):
                return
            await asyncio.sleep(PROBE_EVERY)

    async def news(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Until something has changed, or a short time for deadlines to be looked at has passed.

        Nothing is missed: between the look at what is known and `clear` no other task can run. asyncio.wait_for would lose
        a cancellation that comes with the news.
        """
        self.changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TICK):
                await self.changed.wait()
        for task in tasks:
            if task.done():
                task.result()

    def all_ready(self, wanted: Sequence[tuple[Replica, ServicePolicy]], spare: Spare) -> bool:
        """Looks at every one each time: one that was ready may have died while another was waited for."""
        ready, left = [], dict(spare)
        self.spared = {}
        for known, policy in wanted:
            try:
                ready.append(self._ready(known, policy))
            except NotReady as error:
                if not left.get(known.revision):
                    raise
                left[known.revision] -= 1
                self.spared[known.id] = error
        return all(ready)

    def _waited(self, replica: Replica) -> float:
        """Seconds in which one could see it, where it is now."""
        now = time.monotonic() - self.engine.blind
        if replica.host and self.hosts.setdefault(replica.id, replica.host) != replica.host:
            self.hosts[replica.id], self.moved[replica.id] = replica.host, now
        return now - self.moved.get(replica.id, self.began)

    def _ready(self, known: Replica, policy: ServicePolicy) -> bool:
        if self.fleet is None:
            return False
        replica = find(self.fleet, known)
        now = time.monotonic()
        waited = self._waited(replica) if replica else 0.0
        if replica is None or has_failed(known, replica):
            raise failed(known, "failed before it was ready", replica)
        if self._is_ready(replica, policy, now):
            return True
        if waited > policy.ready.deadline:
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


def _good(status: int | None, exact: int | None) -> bool:
    if not status:
        return False
    return status == exact if exact else 200 <= status < 400
