"""What releases have left on one Docker host: `ports.Collector`. What anybody else may need is never taken for garbage."""

from __future__ import annotations

import base64
import io
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from typing import Any

from fairway.engines.common.ledger_codec import images_of
from fairway.engines.docker.errors import explained
from fairway.engines.docker.image_garbage import IN_USE, ImageCollector
from fairway.engines.docker.keeper import LEDGER, Keeper
from fairway.model.environment import Environment
from fairway.model.garbage import Garbage, Kept
from fairway.net.client import DockerError
from fairway.ports.making import Archive
from fairway.render import names

Json = Mapping[str, Any]
PATHS = {"container": "containers", "network": "networks"}


class DockerCollector:
    """`image` is Fairway's own on this host, in use or not; `keeper` knows the ledgers of all environments on it, and `elsewhere` what
    is needed besides."""

    def __init__(
        self,
        environment: Environment,
        keeper: Keeper,
        image: str,
        archive: Archive | None = None,
        elsewhere: Callable[[], Awaitable[frozenset[str]]] | None = None,
    ) -> None:
        async def others() -> frozenset[str]:
            return await needed_on(keeper, environment) | (await elsewhere() if elsewhere else frozenset())

        self.environment = environment
        self.docker = keeper.docker
        self.host = keeper.host
        self.images = ImageCollector(
            environment,
            keeper.docker,
            keeper.host,
            image=image,
            others=others,
            archive=archive,
        )

    async def find(self, kept: Kept) -> tuple[Garbage, ...]:
        with explained(self.host, "What is left of old releases could not be looked for"):
            containers = await self.docker.get("containers/json", all=True)
            found = [
                *await self.images.find(kept),
                *self._containers(kept, containers),
                *await self._networks(kept, containers),
            ]
        return tuple(sorted(found))

    async def remove(self, garbage: Garbage) -> bool:
        if garbage.kind == "image":
            return await self.images.remove(garbage)
        params = {"v": True} if garbage.kind == "container" else {}
        with explained(self.host, f"The {garbage.kind} {garbage.name} could not be removed"):
            try:
                await self.docker.delete(f"{PATHS[garbage.kind]}/{garbage.id}", **params)
            except DockerError as error:
                if error.status not in IN_USE:
                    raise
                return False
        return True

    def _containers(self, kept: Kept, containers: Collection[Json]) -> list[Garbage]:
        """One-off containers that have ended, jobs of releases that are gone, and gateways that have had a successor."""
        dropped = {str(release.number) for release in kept.dropped}
        mine = names.of_environment(self.environment, names.Kind.ONCE).items()
        job = names.of_environment(self.environment, names.Kind.JOB).items()
        found = []
        for container in containers:
            labels, ended = container["Labels"].items(), container["State"] in ("exited", "dead")
            once = ended and mine <= labels
            old_job = job <= labels and container["Labels"].get(names.RELEASE) in dropped
            gateway = ended and container["Labels"].get("fairway.role") == "gateway"
            if once or old_job or (gateway and "/fairway-gateway" not in container["Names"]):
                found.append(self._garbage("container", container["Names"][0].removeprefix("/"), container["Id"]))
        return found

    async def _networks(self, kept: Kept, containers: Collection[Json]) -> list[Garbage]:
        labels = names.label_filter(names.of_environment(self.environment, names.Kind.NETWORK))
        used = {name for container in containers for name in container["NetworkSettings"].get("Networks") or ()}
        keys = {key for release in kept.kept for key in release.app.networks}
        return [
            self._garbage("network", network["Name"], network["Id"])
            for network in await self.docker.get("networks", filters={"label": labels})
            if network["Name"] not in used and network["Labels"].get(names.KEY) not in keys
        ]

    def _garbage(self, kind: str, name: str, identity: str) -> Garbage:
        return Garbage(where=self.host, kind=kind, name=name, id=identity, why="nothing uses it")


async def needed_on(keeper: Keeper, but: Environment | None = None) -> frozenset[str]:
    """Ids and digests of what the releases of the environments on this host run, without that one."""
    found: set[str] = set()
    async for folder, data in _ledgers(keeper):
        if but is None or folder != but.key:
            found |= images_of(data)
    return frozenset(found)


async def _ledgers(keeper: Keeper) -> AsyncIterator[tuple[str, bytes]]:
    archive = "find . -name '*.release.json' -print0 | tar -cf - --null -T - 2>/dev/null | base64 -w 0"
    answer = await keeper.ask(f"cd {LEDGER} && {archive}")
    if answer is None or not answer.output.strip():
        return
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(answer.output))) as tar:
        for member in tar:
            if member.isfile() and (content := tar.extractfile(member)):
                yield member.name.split("/")[-2], content.read()
