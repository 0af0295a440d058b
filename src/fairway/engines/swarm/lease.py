"""The right to change an environment: a config of the Swarm whose labels its holder renews, and that others watch.

Only labels of a config can be changed, and only by who names the version that he has seen. So one of two wins, through
whichever managers they speak. No clock is compared with another one: a holder that could not renew counts the seconds since it
last asked, and gives up; whoever waits counts the seconds since he last saw a change, which are more.
"""

from __future__ import annotations

import asyncio
import base64
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from msgspec import Struct

from fairway.engines.common.guard import guarded
from fairway.engines.common.holding import describe
from fairway.engines.common.together import unbroken
from fairway.engines.swarm.witness import is_dead, this_process
from fairway.model.environment import Environment
from fairway.model.errors import EngineError, FairwayError, Locked
from fairway.net.client import DockerError
from fairway.net.errors import translated
from fairway.net.managers import OVERTAKEN, Managers
from fairway.ports import Holder
from fairway.render import names, swarm_names

SILENCE = 60.0
"""Seconds in which whoever watches sees no change: then nobody holds it. Managers that have lost their leader
need 25 or more on a busy machine."""
LOST = 0.8
"""Of that time, since the last renewal was asked for that came through: then the holder has lost it."""
BEAT = 0.08
"""Of that time, between two renewals."""
ANSWER = 2.0
"""Seconds that a manager has for a renewal, before another one is asked."""
TOKEN, DOING, SINCE, BEATS, PROCESS = (
    f"fairway.lease.{end}" for end in ("token", "doing", "since", "beats", "process")
)


class Held(Struct, frozen=True):
    """The config as it was seen; `token` is its holder's, empty where it is free."""

    id: str
    version: int
    labels: Mapping[str, str]

    @property
    def token(self) -> str:
        return self.labels.get(TOKEN, "")

    @property
    def free(self) -> bool:
        return not self.token or is_dead(self.labels.get(PROCESS, ""))

    @property
    def holder(self) -> Holder | None:
        if self.free:
            return None
        labels = self.labels
        return Holder(labels.get(names.BY, "somebody"), labels.get(DOING, "?"), float(labels.get(SINCE, 0)))


class SwarmLeases:
    """`ports.Leases` in a Swarm. `by` is who asks: user@machine; `clock` gives seconds since the epoch; `silence` is the same for all."""

    def __init__(
        self,
        environment: Environment,
        managers: Managers,
        by: str,
        *,
        clock: Callable[[], float] = time.time,
        silence: float = SILENCE,
    ) -> None:
        self.environment = environment
        self.managers = managers
        self.by = by
        self.clock = clock
        self.silence, self.lost, self.beat = silence, LOST * silence, BEAT * silence
        self.host = "the Swarm"
        self._name = swarm_names.fitting(names.lease(environment))
        self._fixed = names.of_environment(environment, names.Kind.LEASE)

    async def holder(self) -> Holder | None:
        """One that has died without a word is seen for as long as nobody else has asked for the lease."""
        with translated(self.host):
            seen = await self._seen()
        return seen.holder if seen else None

    @asynccontextmanager
    async def hold(self, doing: str, wait: float = 0.0) -> AsyncIterator[asyncio.Event]:
        """Raises Locked with the holder where it is not free within `wait` seconds, or as soon as he is known to live after that.

        Should the lease be lost while it is held, the body is cancelled and EngineError raised: nobody may go on without.
        """
        with translated(self.host, f"{self.environment} could not be locked"):
            lease = _Lease(self, doing, asked=time.monotonic())
            await self._acquire(lease, wait)
        renewing = asyncio.create_task(lease.renew())
        guard = guarded(lambda: _over(renewing), lambda: unbroken(_given_back(renewing, lease)), self._lost)
        async with guard as lost:
            with self.managers.asking_for(self.lost):  # who gives up before has lost nothing but his release
                yield lost

    async def _acquire(self, lease: _Lease, wait: float) -> None:
        """`changed` is when it was last seen to change; one look at it says nothing of who holds it."""
        deadline, changed, last = time.monotonic() + wait, time.monotonic(), None
        looks = 0
        async for _ in self._looks():
            seen = await self._seen()
            if last is None or seen is None or seen.version != last.version:
                changed, last, looks = time.monotonic(), seen, looks + 1
            silent = time.monotonic() - changed > self.silence
            free = seen is None or seen.free or silent or seen.token == lease.token  # ours, and the answer was lost
            if free and await lease.take(seen):
                return
            if not free and looks > 1 and time.monotonic() >= deadline:
                raise self._locked(seen.holder if seen else None, wait)

    async def _looks(self) -> AsyncIterator[None]:
        """At once, after each change of a config, and from time to time."""
        news = asyncio.Event()
        news.set()

        async def listen() -> None:
            async for event in self.managers.events({"type": ["config"]}):
                if event is None or event["Actor"]["Attributes"].get("name") == self._name:
                    news.set()

        listening = asyncio.create_task(listen())
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.beat / 2):
                        await news.wait()
                news.clear()
                yield
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _seen(self, answer: float = ANSWER, patience: float | None = None) -> Held | None:
        filters = {"filters": {"name": [self._name]}}
        found = await self.managers.call("GET", "configs", filters, answer=answer, patience=patience)
        for one in found or ():
            if one["Spec"]["Name"] == self._name:
                return Held(one["ID"], one["Version"]["Index"], one["Spec"].get("Labels") or {})
        return None

    async def _put(self, seen: Held | None, labels: Mapping[str, str], patience: float | None = None) -> bool:
        """False where somebody else was faster, or it is not known who was."""
        spec: dict[str, Any] = {"Name": self._name, "Labels": {**self._fixed, **labels}, "Data": DATA}
        path, params = (f"configs/{seen.id}/update", {"version": seen.version}) if seen else ("configs/create", {})
        try:
            await self.managers.call("POST", path, params, spec, answer=ANSWER, patience=patience)
        except DockerError as error:
            if error.status in (404, 409) or OVERTAKEN in error.message:
                return False
            raise
        return True

    def _locked(self, holder: Holder | None, wait: float) -> Locked:
        waited = f" after {wait:g} s" if wait else ""
        return Locked(
            f"{self.environment} is locked{waited}",
            where=self.host,
            why=describe(holder) if holder else "its holder has just left",
            hint="wait for it with --wait 5m" if holder else "try again",
        )

    def _lost(self) -> EngineError:
        return EngineError(
            f"The lease of {self.environment} was lost",
            where=self.host,
            why=f"the managers have not renewed it for {self.lost:g} s, or somebody else has taken it",
            hint="more than half of the managers have to be there (docker node ls); run the command again: it goes on from what is there",
        )


class _Lease:
    """That of one holder. `asked`: when the last renewal that came through was asked for."""

    def __init__(self, leases: SwarmLeases, doing: str, *, asked: float) -> None:
        self.leases = leases
        self.asked = asked
        self.token = os.urandom(8).hex()
        since = f"{leases.clock():.3f}"
        self.told = {TOKEN: self.token, names.BY: leases.by, DOING: doing[:500], SINCE: since, PROCESS: this_process()}
        self.beats = 0
        self.seen: Held | None = None

    async def take(self, seen: Held | None) -> bool:
        """Whether it is ours now."""
        return await self._beat(seen, None)

    @property
    def _ours(self) -> bool:
        return self.seen is not None and self.seen.token == self.token

    async def renew(self) -> None:
        """Again and again; returns when it is lost."""
        while True:
            await asyncio.sleep(self.leases.beat)
            left = self.asked + self.leases.lost - time.monotonic()
            try:
                async with asyncio.timeout(left):
                    await self._beat(self.seen, left)
            except (FairwayError, DockerError, OSError, TimeoutError):
                if time.monotonic() >= self.asked + self.leases.lost:
                    return
                continue
            if not self._ours:
                return

    async def _beat(self, seen: Held | None, patience: float | None) -> bool:
        """Whether this very one came through, also where the answer was lost. An earlier one that came through late renews nothing:
        others have seen it before this was asked."""
        asked = time.monotonic()
        self.beats += 1
        await self.leases._put(seen, {**self.told, BEATS: str(self.beats)}, patience)
        self.seen = await self.leases._seen(patience=patience)
        renewed = self._ours and self.seen is not None and self.seen.labels.get(BEATS) == str(self.beats)
        if renewed:
            self.asked = asked
        return renewed

    async def release(self) -> None:
        """Unless it is somebody else's by now. What cannot be said is seen by whoever waits."""
        with suppress(FairwayError, DockerError, OSError, TimeoutError):
            async with asyncio.timeout(ANSWER * 3):
                if self._ours:
                    await self.leases._put(self.seen, {}, ANSWER * 3)


async def _over(renewing: asyncio.Task[None]) -> None:
    await asyncio.wait([renewing])


async def _given_back(renewing: asyncio.Task[None], lease: _Lease) -> None:
    renewing.cancel()
    await asyncio.gather(renewing, return_exceptions=True)
    await lease.release()


DATA = base64.b64encode(b"lease").decode()
