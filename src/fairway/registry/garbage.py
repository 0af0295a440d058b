"""What old builds have left in a registry: `ports.Collector`. A registry frees the room itself, when it collects its garbage."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from fairway.model.errors import RegistryError
from fairway.model.garbage import Garbage, Kept, needed
from fairway.ports.making import Archive
from fairway.registry.errors import refused
from fairway.registry.http import MANIFESTS, HttpRegistry, Session
from fairway.registry.reference import Reference

ATTACHED = re.compile(r"sha256-([0-9a-f]{64})(\..*)?")
"""The tag of what is attached to an image, in a registry that does not keep account of it."""
CREATED = "org.opencontainers.image.created"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
AT_ONCE = 8


class Tagged(Struct, frozen=True, kw_only=True):
    """A manifest under its tags. `created` is seconds since the epoch, `blobs` their sizes by digest."""

    digest: str
    tags: tuple[str, ...]
    created: float
    blobs: Mapping[str, int]


class RegistryCollector:
    """`registry` is the prefix of the images' names; `elsewhere` tells the digests that other environments need."""

    def __init__(
        self,
        api: HttpRegistry,
        registry: str,
        elsewhere: Callable[[], Awaitable[Collection[str]]],
        archive: Archive | None = None,
    ) -> None:
        self.api = api
        self.registry = registry
        self.elsewhere = elsewhere
        self.archive = archive
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def find(self, kept: Kept) -> tuple[Garbage, ...]:
        """Raises RegistryError, and what `elsewhere` raises."""
        mine = sorted(one for one in kept.repositories if one.startswith(f"{self.registry}/"))
        if not mine:
            return ()
        wanted = needed(kept.kept) | set(await self.elsewhere())
        found = [await self._of(repository, wanted, kept.seconds) for repository in mine]
        return tuple(sorted(garbage for some in found for garbage in some))

    async def remove(self, garbage: Garbage) -> bool:
        wanted = Reference.parse(garbage.id)
        async with self.api.session(wanted) as session:
            if self.archive is not None and garbage.kind == "manifest":
                await self._archive(session, wanted, garbage, self.archive)
            answer = await session.ask("DELETE", f"{wanted.repository}/manifests/{wanted.version}", {})
        if answer.status_code == 405:
            raise RegistryError(
                f"{wanted.host} lets nobody remove anything",
                why=answer.text[:200],
                hint="switch it on there (storage.delete.enabled: true), or leave `prune.registry` out",
            )
        if answer.status_code not in (202, 404):
            raise refused(wanted, answer.status_code, answer.text, known=session.known)
        return answer.status_code == 202

    async def _of(self, repository: str, wanted: Collection[str], since: float) -> list[Garbage]:
        """What is tagged there, and is neither `newest`, nor needed, nor young; with what is attached to it."""
        by_digest: dict[str, list[str]] = defaultdict(list)
        attached: dict[str, list[str]] = defaultdict(list)
        for tag in await self.api.tags(repository):
            if found := ATTACHED.fullmatch(tag):
                attached[f"sha256:{found[1]}"].append(tag)
            elif digest := await self.api.digest(f"{repository}:{tag}"):
                by_digest[digest].append(tag)
        manifests = await asyncio.gather(*(self._look(repository, *one) for one in by_digest.items()))
        stay = [one for one in manifests if one.digest in wanted or "newest" in one.tags or one.created > since]
        gone = [one for one in manifests if one not in stay]
        shared = {blob for one in stay for blob in one.blobs}
        garbage = []
        for one in gone:
            own = sum(size for blob, size in one.blobs.items() if blob not in shared)
            shared |= set(one.blobs)
            garbage.append(self._garbage("manifest", repository, one.tags, one.digest, own))
        left = [digest for digest in attached if digest not in {one.digest for one in stay} and digest not in wanted]
        garbage += [one for digest in left for one in await self._attached(repository, attached[digest])]
        return garbage

    async def _attached(self, repository: str, tags: Collection[str]) -> list[Garbage]:
        digests = {tag: await self.api.digest(f"{repository}:{tag}") for tag in tags}
        return [
            self._garbage("evidence", repository, (tag,), digest, None) for tag, digest in digests.items() if digest
        ]

    def _garbage(
        self, kind: str, repository: str, tags: Collection[str], digest: str, size: int | None
    ) -> Garbage:  # fmt: skip
        return Garbage(
            where=Reference.parse(repository).host,
            kind=kind,
            name=" ".join(f"{repository}:{tag}" for tag in tags),
            id=f"{repository}@{digest}",
            bytes=size,
            why="no release that is kept runs it" if kind == "manifest" else "what it is about is gone",
        )

    async def _look(self, repository: str, digest: str, tags: list[str]) -> Tagged:
        wanted = Reference.parse(f"{repository}@{digest}")
        async with self._gate, self.api.session(wanted) as session:
            manifest = json.loads(await _get(session, wanted, f"manifests/{digest}"))
            config = manifest.get("config") or {}
            told = json.loads(await _get(session, wanted, f"blobs/{config['digest']}")) if config else {}
        labels = (told.get("config") or {}).get("Labels") or {}
        parts = [config, *(manifest.get("layers") or ()), *(manifest.get("manifests") or ())]
        return Tagged(
            digest=digest,
            tags=tuple(tags),
            created=max(_seconds(told.get("created")), _seconds(labels.get(CREATED))),
            blobs={str(one["digest"]): int(one.get("size") or 0) for one in parts if one},
        )

    async def _archive(self, session: Session, wanted: Reference, garbage: Garbage, to: Archive) -> None:
        content = await _get(session, wanted, f"manifests/{wanted.version}")
        manifest: dict[str, Any] = json.loads(content)
        for one in (manifest.get("config"), *(manifest.get("layers") or ())):
            if one:
                await to.blob(_one(await _get(session, wanted, f"blobs/{one['digest']}")))
        if manifest.get("mediaType") == DOCKER:
            content = in_oci_s_words(manifest)
        for name in garbage.name.split():
            await to.add(name, content, str(json.loads(content).get("mediaType") or OCI))


def in_oci_s_words(manifest: Mapping[str, Any]) -> bytes:
    """The same image, by the names that the parts of Docker's manifest have in OCI's: a layout may hold no others."""
    layers = [{**layer, "mediaType": OCI_LAYER} for layer in manifest["layers"]]
    config = {**manifest["config"], "mediaType": OCI_CONFIG}
    return json.dumps({**manifest, "mediaType": OCI, "config": config, "layers": layers}).encode()


async def _get(session: Session, wanted: Reference, path: str) -> bytes:
    answer = await session.ask("GET", f"{wanted.repository}/{path}", {"Accept": MANIFESTS})
    if answer.status_code != 200:
        raise refused(wanted, answer.status_code, answer.text, known=session.known)
    return answer.content


def _seconds(text: object) -> float:
    """Since the epoch; 0 where nothing is told."""
    try:
        return datetime.fromisoformat(str(text)[:19] + "+00:00").timestamp()
    except ValueError:
        return 0.0


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content
