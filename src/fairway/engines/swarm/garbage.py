"""What releases leave in a Swarm, and on those of its nodes that the settings give a way to: `ports.Collector`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from fairway.engines.common.ledger_codec import images_of
from fairway.engines.docker.errors import explained
from fairway.engines.docker.fleet.garbage import FleetCollector
from fairway.engines.docker.garbage import needed_on
from fairway.engines.docker.image_garbage import ImageCollector
from fairway.engines.docker.keeper import Keeper
from fairway.engines.swarm.leftovers import Leftovers
from fairway.engines.swarm.nodes import SWARM
from fairway.engines.swarm.services import Services
from fairway.engines.swarm.shelf import RaftShelf, folders
from fairway.model.environment import Environment
from fairway.model.garbage import Garbage, Kept
from fairway.net.hosts import Hosts
from fairway.net.managers import Managers
from fairway.ports.making import Archive

RECORD = ".release.json"


class SwarmCollector:
    """`keepers` by host: a node may be a Docker host of other environments, too. `image` is Fairway's own."""

    def __init__(
        self,
        environment: Environment,
        services: Services,
        members: Hosts,
        keepers: Mapping[str, Keeper],
        *,
        image: str,
        archive: Archive | None = None,
    ) -> None:
        self.environment = environment
        self.services = services
        self.leftovers = Leftovers(services, environment)
        collectors = {
            name: ImageCollector(
                environment,
                docker,
                name,
                image=image,
                others=partial(self._others, keepers[name]),
                archive=archive,
            )
            for name, docker in members.engines.items()
        }
        self.images = FleetCollector(members, collectors)

    async def find(self, kept: Kept) -> tuple[Garbage, ...]:
        """Of a node that is not among the hosts the images stay: only its own engine knows them."""
        return (*await self.leftovers.find(kept), *await self.images.find(kept))

    async def remove(self, garbage: Garbage) -> bool:
        return await (self.leftovers if garbage.where == SWARM else self.images).remove(garbage)

    async def _others(self, keeper: Keeper) -> frozenset[str]:
        return await needed_on(keeper) | await needed_in(self.services.managers, self.environment)


async def needed_in(managers: Managers, but: Environment | None = None) -> frozenset[str]:
    """Names, ids and digests of what services of the Swarm run, and the releases of its environments, without that one. A service may
    need its image on a node tomorrow that does not run it today."""
    found: set[str] = set()
    with explained(SWARM, "What is needed in the Swarm could not be asked"):
        for service in await managers.get("services") or ():
            image = str((service["Spec"]["TaskTemplate"].get("ContainerSpec") or {}).get("Image") or "")
            found |= {image, *image.split("@")} - {""}
        for folder in await folders(managers, RECORD):
            if but is None or folder != but.key:
                for name, data in (await RaftShelf(folder, managers).files()).items():
                    found |= images_of(data) if name.endswith(RECORD) else set()
    return frozenset(found)
