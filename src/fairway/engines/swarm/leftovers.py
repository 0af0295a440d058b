"""What releases leave in a Swarm: `ports.Collector` for their jobs and networks, and their configs and secrets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from fairway.engines.common.together import together
from fairway.engines.docker.errors import explained
from fairway.engines.swarm.nodes import SWARM
from fairway.engines.swarm.services import Services
from fairway.model.environment import Environment
from fairway.model.garbage import Garbage, Kept
from fairway.model.release import Release
from fairway.net.client import DockerError
from fairway.render import names
from fairway.render.swarm_files import files

Json = Mapping[str, Any]
IN_USE = (400, 403, 404, 409)
"""Gone already, or needed by somebody: nothing is forced. Of a config that is in use Swarm says that the request is bad."""
KINDS = (names.Kind.REPLICA, names.Kind.JOB, names.Kind.ONCE)
PATHS = {"service": "services", "network": "networks", "config": "configs", "secret": "secrets"}
ENDED = ("complete", "failed", "rejected", "shutdown")


class Leftovers:
    """Of one environment."""

    def __init__(self, services: Services, environment: Environment) -> None:
        self.services = services
        self.managers = services.managers
        self.environment = environment

    async def keep(self, releases: Collection[Release]) -> None:
        """Configs and secrets that none of these releases names, and no service has, go."""
        with explained(SWARM, "What is left of old releases could not be removed"):
            await together(self._remove(f"{kind}s", identity) for kind, identity, _ in await self._unnamed(releases))

    async def _unnamed(self, releases: Collection[Release]) -> list[tuple[str, str, str]]:
        """Kind, id and name."""
        needed = {
            file.name
            for release in releases
            for one in release.app.services.values()
            for file in files(release, one, {})
        }
        for kind in KINDS:
            for service in await self.services.listed(names.of_environment(self.environment, kind)):
                needed |= _given(service)
        return [
            (what, str(one["ID"]), str(one["Spec"]["Name"]))
            for what in ("config", "secret")
            for one in await self._labelled(f"{what}s", names.Kind.FILES)
            if one["Spec"]["Name"] not in needed
        ]

    async def _labelled(self, path: str, kind: names.Kind) -> list[Json]:
        labels = names.label_filter(names.of_environment(self.environment, kind))
        return list(await self.managers.get(path, filters={"label": labels}) or ())

    async def find(self, kept: Kept) -> tuple[Garbage, ...]:
        with explained(SWARM, "What is left of old releases could not be looked for"):
            unnamed = [
                Garbage(where=SWARM, kind=kind, name=name, id=identity, why="no release that is kept names it")
                for kind, identity, name in await self._unnamed(kept.kept)
            ]
            return tuple(sorted([*await self._jobs(kept), *await self._networks(kept), *unnamed]))

    async def _jobs(self, kept: Kept) -> list[Garbage]:
        """Of releases that are gone; and one-off services that nobody waits for any more."""
        numbers = {str(release.number) for release in kept.kept}
        jobs = await self.services.listed(names.of_environment(self.environment, names.Kind.JOB))
        once = await self.services.listed(names.of_environment(self.environment, names.Kind.ONCE))
        left = [service for service in jobs if service["Spec"]["Labels"].get(names.RELEASE) not in numbers]
        left += [service for service in once if await self._ended(service)]
        return [_garbage("service", service["Spec"]["Name"], service["ID"]) for service in left]

    async def _ended(self, service: Json) -> bool:
        tasks = await self.managers.get("tasks", filters={"service": [service["ID"]]})
        return all(task["Status"]["State"] in ENDED for task in tasks)

    async def _networks(self, kept: Kept) -> list[Garbage]:
        keys = {key for release in kept.kept for key in release.app.networks}
        return [
            _garbage("network", network["Name"], network["Id"])
            for network in await self._labelled("networks", names.Kind.NETWORK)
            if network["Labels"].get(names.KEY) not in keys
        ]

    async def remove(self, garbage: Garbage) -> bool:
        with explained(SWARM, f"The {garbage.kind} {garbage.name} could not be removed"):
            return await self._remove(PATHS[garbage.kind], garbage.id)

    async def _remove(self, path: str, identity: str) -> bool:
        try:
            await self.managers.delete(f"{path}/{identity}")
        except DockerError as error:
            if error.status not in IN_USE:
                raise
            return False
        return True

    async def down(self) -> tuple[str, ...]:
        """All services, networks, configs and secrets of the environment; the names of what went."""
        gone = []
        for kind in KINDS:
            labels = names.of_environment(self.environment, kind)
            for service in await self.services.listed(labels):
                await self.services.remove(service["ID"])
                gone.append(str(service["Spec"]["Name"]))
            await self.services.ended(labels, 0, frozenset())
        left = [("networks", one["Id"], one["Name"]) for one in await self._labelled("networks", names.Kind.NETWORK)]
        for path in ("configs", "secrets"):
            left += [(path, one["ID"], one["Spec"]["Name"]) for one in await self._labelled(path, names.Kind.FILES)]
        gone += [str(name) for path, identity, name in left if await self._remove(path, identity)]
        return tuple(gone)


def _given(service: Json) -> set[str]:
    """The names of the configs and secrets that a service has."""
    container = service["Spec"]["TaskTemplate"].get("ContainerSpec") or {}
    return {one["ConfigName"] for one in container.get("Configs") or ()} | {
        one["SecretName"] for one in container.get("Secrets") or ()
    }


def _garbage(kind: str, name: str, identity: str) -> Garbage:
    return Garbage(where=SWARM, kind=kind, name=name, id=identity, why="nothing uses it")
