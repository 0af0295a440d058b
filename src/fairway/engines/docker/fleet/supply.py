"""Images reach every host that is to run them: from the registry, else from a host that has them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection

from fairway.engines.docker import images
from fairway.engines.docker.delivery import Carrier, Shipped
from fairway.engines.docker.shipping import ship
from fairway.model.build import ImageRef
from fairway.model.errors import EngineError, FairwayError, ImageNotFound
from fairway.model.events import Emit, Event
from fairway.net.hosts import Hosts


def silent(event: Event) -> None:
    """Nobody listens."""


class Supply:
    def __init__(self, hosts: Hosts, credentials: images.Credentials | None = None, emit: Emit = silent) -> None:
        self.hosts = hosts
        self.credentials = credentials
        self.emit = emit
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def having(self, reference: str) -> list[str]:
        """The hosts that have it."""
        found = await self.hosts.each(lambda name: images.local(self.hosts.engines[name], name, reference))
        return [name for name, image in found.items() if image]

    async def bring(self, image: ImageRef, hosts: Collection[str]) -> None:
        """All of `hosts` have it, under the name that it is run by. Raises ImageNotFound, EngineError for the first that cannot.

        One with a digest is known by that, and a host can only learn it from the registry.
        """
        async with self._turns[image.pinned]:
            there = await self.having(image.pinned)
            lacking = [name for name in hosts if name not in there]
            if not lacking:
                return
            if image.digest:
                await self.hosts.each(lambda name: self._fetch(name, image), lacking)
            elif there:
                await self._ship(image, there[0], lacking)
            else:
                raise ImageNotFound(f"No host has the image {image.reference}", where=lacking[0])

    async def _fetch(self, name: str, image: ImageRef) -> None:
        await images.fetch(self.hosts.engines[name], name, image.pinned, self.credentials)

    async def _ship(self, image: ImageRef, source: str, targets: Collection[str]) -> None:
        carriers = {name: Carrier(name, self.hosts.engines[name]) for name in self.hosts.ready}
        wanted = [carriers[name] for name in targets if name in carriers]
        told = await ship(image, carriers[source], wanted, self.emit)
        for name, result in told.items():
            if isinstance(result, FairwayError) and name not in self.hosts.lost:
                raise result
            if isinstance(result, Shipped) and image.id and result.id != image.id:
                raise EngineError(
                    f"{image.reference} has another identity on {name}",
                    where=name,
                    why=f"its engine calls it {result.id}, and it is run as {image.id}",
                    hint="push it to a registry that all hosts reach (`registry:`), or let all engines keep images in one way",
                )
