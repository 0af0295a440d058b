"""The secrets that make tasks members of the gateways: there is one, and before its certificate ends another one follows it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from fairway.gateway.swarm import services
from fairway.gateway.swarm.services import LABELS, Member
from fairway.net.certificates import LIFETIME
from fairway.net.client import DockerError
from fairway.net.managers import Managers
from fairway.render.names import label_filter

THERE = 409
IN_USE = (400, 404, 409)
"""Of a secret that a service has Swarm says that the request is bad."""


class Members:
    """`lifetime` is that of certificates which are made."""

    def __init__(self, managers: Managers, lifetime: timedelta = LIFETIME) -> None:
        self._managers = managers
        self._lifetime = lifetime

    async def all(self) -> tuple[Member, ...]:
        """In the order in which they were made."""
        listed = await self._managers.get("secrets", filters={"label": label_filter(LABELS)})
        return tuple(sorted(services.member(found) for found in listed or ()))

    async def latest(self) -> Member:
        """Made where there is none."""
        found = await self.all()
        return found[-1] if found else await self._made(1, None)

    async def follow(self, last: Member, seal: bytes) -> Member:
        """Another one, unless somebody else has made it. What was sealed can still be opened."""
        return await self._made(last.number + 1, seal)

    async def forget(self, but: Collection[Member]) -> None:
        """Those that services have stay."""
        for one in await self.all():
            if one not in but:
                try:
                    await self._managers.delete(f"secrets/{one.id}")
                except DockerError as error:
                    if error.status not in IN_USE:
                        raise

    async def _made(self, number: int, seal: bytes | None) -> Member:
        try:
            await self._managers.post("secrets/create", services.secret(number, seal, self._lifetime))
        except DockerError as error:
            if error.status != THERE:
                raise
        return (await self.all())[-1]
