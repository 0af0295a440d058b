"""Images on one Docker host that nobody needs any more. What anybody else may need is never taken for garbage."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fairway.engines.docker.archiving import archive
from fairway.engines.docker.errors import explained
from fairway.engines.docker.observed import seconds
from fairway.model.build import ImageRef
from fairway.model.environment import Environment
from fairway.model.garbage import Garbage, Kept, needed
from fairway.net.client import Docker, DockerError
from fairway.ports.making import Archive

Json = Mapping[str, Any]
IN_USE = (403, 404, 409)
"""Gone already, or needed by somebody: nothing is forced."""
TITLE = "org.opencontainers.image.title"
HOST_IMAGE = "fairway-host"


class ImageCollector:
    """`image` is Fairway's own on this host, in use or not; `others` tells what else is needed: names, ids and digests."""

    def __init__(
        self,
        environment: Environment,
        docker: Docker,
        host: str,
        *,
        image: str,
        others: Callable[[], Awaitable[frozenset[str]]],
        archive: Archive | None = None,
    ) -> None:
        self.archive = archive
        self.environment = environment
        self.docker = docker
        self.host = host
        self.image = image
        self._others = others

    async def find(self, kept: Kept) -> tuple[Garbage, ...]:
        """Those that were made for this application, or that its old releases ran, and that nothing needs."""
        with explained(self.host, "Old images could not be looked for"):
            return tuple(await self._images(kept))

    async def remove(self, garbage: Garbage) -> bool:
        with explained(self.host, f"The image {garbage.name} could not be removed"):
            try:
                await self._archived(garbage)
                for tag in garbage.name.split():
                    await self.docker.delete(f"images/{tag}")
                if await self._look(garbage.id):  # an image goes with its last name
                    await self.docker.delete(f"images/{garbage.id}", noprune=False)
            except DockerError as error:
                if error.status not in IN_USE:
                    raise
                return False
        return True

    async def _archived(self, garbage: Garbage) -> None:
        """Under its first name; what came from a registry may have been archived from there."""
        if self.archive is None:
            return
        name = next(iter(garbage.name.split()), garbage.id)
        if not self.archive.has(name):
            await archive(self.docker, garbage.id, name, self.archive)

    async def _images(self, kept: Kept) -> list[Garbage]:
        containers = await self.docker.get("containers/json", all=True)
        wanted = {container["ImageID"] for container in containers} | needed(kept.kept) | await self._others()
        old = needed(kept.dropped)
        listed = await self.docker.get("images/json", digests=True)
        looked = await asyncio.gather(*(self._look(image["Id"]) for image in listed))
        garbage, stay = [], set[str]()
        for image, shown in zip(listed, looked, strict=True):
            known = {image["Id"], *_names(image), *(name.partition("@")[2] for name in image.get("RepoDigests") or ())}
            superfluous = not known & wanted and (bool(known & old) or self._ours(image, kept))
            if superfluous and shown and _tagged(image, shown) <= kept.seconds:
                garbage.append((image, shown))
            elif shown:
                stay |= set(_layers(shown))
        found = []
        for image, shown in garbage:
            own = [layer for layer in _layers(shown) if layer not in stay]
            stay |= set(own)
            found.append(await self._image(image, len(own)))
        return found

    async def _look(self, image: str) -> Json | None:
        """None where it is gone."""
        try:
            return dict(await self.docker.get(f"images/{image}/json"))
        except DockerError as error:
            if error.status != 404:
                raise
            return None

    def _ours(self, image: Json, kept: Kept) -> bool:
        tags = _names(image)
        digests = [name for name in image.get("RepoDigests") or () if not name.startswith("<none>")]
        called = {ImageRef(reference=name).repository for name in (*tags, *digests)}
        if called:
            return called <= kept.repositories or (called == {HOST_IMAGE} and self.image not in tags)
        title = str((image.get("Labels") or {}).get(TITLE, ""))
        return title.startswith(f"{self.environment.app}-")

    async def _image(self, image: Json, own: int) -> Garbage:
        """`own`: how many layers it has that no other image needs; the topmost ones, so the history tells their sizes."""
        told = await self.docker.get(f"images/{image['Id']}/history") if own else []
        sizes = [int(step["Size"]) for step in told if step["Size"]]
        return Garbage(
            where=self.host,
            kind="image",
            name=" ".join(sorted(_names(image))),
            id=image["Id"],
            bytes=sum(sizes[:own]),
            why="no release that is kept runs it",
        )


def _names(image: Json) -> list[str]:
    return [tag for tag in image.get("RepoTags") or () if tag != "<none>:<none>"]


def _layers(shown: Json) -> list[str]:
    return list((shown.get("RootFS") or {}).get("Layers") or ())


def _tagged(image: Json, shown: Json) -> float:
    """Seconds since the epoch: one that has just got a name may be about to be deployed, however old it is."""
    named = seconds(str((shown.get("Metadata") or {}).get("LastTagTime") or ""))
    return max(named, float(image.get("Created") or 0))
