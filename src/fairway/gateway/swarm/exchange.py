"""The certificate of a Swarm's gateways is followed by another one: fulfils ports.Exchange.

How far it has come is what the managers say of secrets and services, so whoever goes on with it needs to remember nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from fairway.gateway.swarm.services import COURIER, GATEWAY
from fairway.gateway.swarm.traffic import SwarmTraffic
from fairway.net.errors import translated


class SwarmExchange:
    def __init__(self, traffic: SwarmTraffic) -> None:
        self._traffic = traffic
        self._services = traffic.services
        self.strangers: Callable[[], Awaitable[Collection[str]]] = _nobody

    async def begin(self) -> bool:
        with translated(self._services.where):
            if not await self._services.has_latest(GATEWAY):
                return True
            await self._traffic.follow()
        return False

    async def advance(self) -> str:
        with translated(self._services.where):
            if not await self._services.has_latest(COURIER):
                await self._services.start()
                return "the couriers have another certificate, and give it to the gateways"
            if not await self._services.has_latest(GATEWAY):
                await self._traffic.followed()
                await self._services.start(alone=True)
                return "all gateways have it, and nobody is let in with the one before"
            members = self._services.members
            await members.forget(but=[await members.latest()])
        return ""


async def _nobody() -> Collection[str]:
    """All gateways of a Swarm are the same, whose environments they serve."""
    return ()
