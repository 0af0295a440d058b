"""Replicas that leave: no new requests, those they have are answered, and then they are removed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection

from msgspec import Struct, field

from fairway.conduct.routing import draining, endpoint, reached, without
from fairway.conduct.together import together
from fairway.model.errors import FairwayError, HostLost
from fairway.model.events import Emit, Note
from fairway.model.release import Release
from fairway.model.routes import Endpoint, RoutingTable
from fairway.model.steps import Want
from fairway.ports import Engine, Traffic

TIMEOUT = 10.0
"""Seconds, where neither fairway.yaml nor stop_grace_period says how long requests in flight may go on."""
SPREAD = 1.0
"""Seconds between the closing of one replica's streams and the next one's."""
SETTLE = 0.05
"""Seconds between two looks that must both find nothing: a request may be on its way from the gateway's other thread."""


async def drained(traffic: Traffic, endpoints: Collection[Endpoint], timeout: float) -> int:
    """How many requests and streams were still open when the time was over; 0 where all have ended."""
    until = time.monotonic() + timeout
    quiet = 0
    while True:
        open_now = await traffic.in_flight(endpoints)
        quiet = quiet + 1 if open_now == 0 else 0
        if quiet == 2 or time.monotonic() >= until:
            return open_now
        await asyncio.sleep(SETTLE)


class Leaving(Struct):
    """How the replicas that `release` no longer wants leave.

    `streaming` are the services that still had streams open when their drain was over; `left` is what the gateway is to
    know when the replicas that were drained are gone.
    """

    engine: Engine
    traffic: Traffic | None
    release: Release
    before: tuple[Release, ...]
    emit: Emit
    streaming: set[str] = field(default_factory=set)
    left: RoutingTable | None = None

    async def drain(self, wants: tuple[Want, ...]) -> None:
        """No new requests, then wait until those in flight are done, or their time is over.

        Only what goes is taken out of the live table: nothing else changes before its own Shift.
        """
        if not self.traffic:
            return
        fleet, live = await asyncio.gather(self.engine.observe(), self.traffic.observe())
        going = [r for want in wants for r in fleet.of(want.revision)[want.replicas :] if r.address]
        marked = draining(live, going) if live else None
        if marked and marked != live:
            await self.traffic.apply(marked)
        known = reached(*self.before, self.release)
        points: dict[str, list[Endpoint]] = {}
        for replica in going:
            for port in known.get(replica.revision.name, ()):
                points.setdefault(replica.revision.service, []).append(endpoint(replica, port))
        self.streaming.clear()
        await together(self._empty(self.traffic, service, here) for service, here in points.items())
        left = without(marked, going) if marked else None
        self.left = left if left != marked else None

    async def _empty(self, traffic: Traffic, service: str, endpoints: list[Endpoint]) -> None:
        timeout = self._timeout(service)
        if left := await drained(traffic, endpoints, timeout):
            self.streaming.add(service)
            self.emit(Note(f"{service}: {left} requests or streams were still open after {timeout:g} s", "warning"))

    async def retire(self, wants: tuple[Want, ...]) -> None:
        """They are stopped and removed; meanwhile the gateway forgets them."""
        await together((self._forget(), *(self._stop(want) for want in wants)))

    async def _forget(self) -> None:
        """Nobody is sent there any more: that they are still known harms nobody, and ends with the next change of the table."""
        left, self.left = self.left, None
        if self.traffic and left:
            try:
                await self.traffic.apply(left)
            except HostLost:
                raise
            except FairwayError as error:
                self.emit(Note(f"the gateway still knows replicas that are gone: {error.what}", "warning"))

    async def _stop(self, want: Want) -> None:
        """Where streams are still open they are closed one replica after the other, so that not all clients return at once."""
        if want.revision.service in self.streaming:
            present = len((await self.engine.observe()).of(want.revision))
            for stays in range(present - 1, want.replicas, -1):
                await self.engine.retire(want.revision, stays)
                await asyncio.sleep(SPREAD)
        await self.engine.retire(want.revision, want.replicas)

    def _timeout(self, service: str) -> float:
        """As this release says, or the last one that had the service."""
        releases = (self.release, *reversed(self.before))
        release = next((release for release in releases if service in release.app.services), self.release)
        timeout = release.policy(service).rollout.drain_timeout
        if timeout is None and service in release.app.services:
            timeout = release.app.services[service].stop_grace_period
        return TIMEOUT if timeout is None else timeout
