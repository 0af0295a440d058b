"""Evidence attached to images in a registry: OCI referrers, or the index under the tag `sha256-…` where the registry has none.

Such an index is read, changed and written by whoever attaches something, and a registry has no word for "unless somebody else
was faster". So each artefact gets a tag of its own first, and whoever has written the index looks afterwards at the tags, and
writes it again while one is missing: the last one to write has seen them all.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from urllib.parse import urljoin

import httpx2

from fairway.attest import dsse
from fairway.model.build import ImageRef
from fairway.model.errors import RegistryError
from fairway.model.evidence import STATEMENT, Envelope
from fairway.registry import artefacts
from fairway.registry.artefacts import Artefact, Descriptor
from fairway.registry.errors import refused
from fairway.registry.http import MANIFESTS, PAGE, HttpRegistry, Session
from fairway.registry.reference import Reference

TRIES = 20
READS = 5
PAUSE = 0.2
"""Seconds, at most, until the index is looked at again where somebody else writes it, too."""
ANY = {"Accept": f"{artefacts.INDEX}, {artefacts.MANIFEST}"}


class RegistryEvidence:
    """ports.evidence.EvidenceStore; of an image that is in no registry there is none."""

    place = "the registry"

    def __init__(self, registry: HttpRegistry) -> None:
        self.registry = registry

    async def find(self, image: ImageRef) -> tuple[Envelope, ...]:
        if not image.digest:
            return ()
        wanted = Reference.parse(f"{image.repository}@{image.digest}")
        async with self.registry.session(wanted) as session:
            known = await self._referrers(session, wanted)
            if known is None:
                known = await self._indexed(session, wanted)
                known = [*known, *await self._tagged(session, wanted, {str(one["digest"]) for one in known})]
            ours = {str(one["digest"]) for one in known if one.get("artifactType") in (STATEMENT, None)}
            found = await asyncio.gather(*(self._envelopes(session, wanted, digest) for digest in sorted(ours)))
        return tuple(dict.fromkeys(one for some in found for one in some))

    async def keep(self, image: ImageRef, envelopes: Sequence[Envelope]) -> None:
        """Raises RegistryError."""
        if not image.digest or not envelopes:
            return
        wanted = Reference.parse(f"{image.repository}@{image.digest}")
        async with self.registry.session(wanted) as session:
            native = await self._referrers(session, wanted) is not None
            subject = await self._subject(session, wanted)
            made = [artefacts.artefact(envelope, subject) for envelope in envelopes]
            await self._blob(session, wanted, b"{}")
            for one in made:
                await self._blob(session, wanted, one.blob)
                tag = one.digest if native else artefacts.own_tag(image.digest, one.digest)
                await self._manifest(session, wanted, tag, one.manifest, artefacts.MANIFEST)
            if not native:
                await self._list(session, wanted, made)

    # What is there

    async def _referrers(self, session: Session, wanted: Reference) -> list[Descriptor] | None:
        """None where the registry keeps none."""
        found: list[Descriptor] = []
        path = f"{wanted.repository}/referrers/{wanted.version}"
        async for answer in _pages(session, path, {"Accept": artefacts.INDEX}):
            if answer.status_code in (400, 404, 405) and not found:
                return None
            _expect(session, wanted, answer, 200)
            found += artefacts.listed(answer.content)
        return found

    async def _indexed(self, session: Session, wanted: Reference) -> list[Descriptor]:
        tag = artefacts.fallback(wanted.version)
        answer = await _read(session, f"{wanted.repository}/manifests/{tag}", {"Accept": artefacts.INDEX})
        if answer.status_code == 404:
            return []
        _expect(session, wanted, answer, 200)
        return artefacts.listed(answer.content)

    async def _tagged(self, session: Session, wanted: Reference, known: set[str]) -> list[Descriptor]:
        """Artefacts that have a tag of their own, but for those that are known already."""
        mark = f"{artefacts.fallback(wanted.version)}."
        tags = [tag for tag in await self._tags(session, wanted) if tag.startswith(mark)]
        missing = [tag for tag in tags if not any(artefacts.own_tag(wanted.version, one) == tag for one in known)]
        found = await asyncio.gather(*(self._at(session, wanted, tag) for tag in missing))
        return [one for one in found if one]

    async def _tags(self, session: Session, wanted: Reference) -> list[str]:
        """None where nothing in the repository has one."""
        found: list[str] = []
        async for answer in _pages(session, f"{wanted.repository}/tags/list?n={PAGE}", {}):
            if answer.status_code == 404 and not found:
                return []
            _expect(session, wanted, answer, 200)
            found += answer.json().get("tags") or []
        return found

    async def _at(self, session: Session, wanted: Reference, tag: str) -> Descriptor | None:
        content = await self._read(session, wanted, f"manifests/{tag}")
        if content is None or not artefacts.envelopes(content):
            return None
        return {
            "mediaType": artefacts.MANIFEST,
            "digest": artefacts.sha256(content),
            "size": len(content),
            "artifactType": STATEMENT,
        }

    async def _envelopes(self, session: Session, wanted: Reference, digest: str) -> list[Envelope]:
        """What is not what its digest says is none."""
        manifest = await self._read(session, wanted, f"manifests/{digest}")
        if manifest is None or artefacts.sha256(manifest) != digest:
            return []
        found = []
        for layer in artefacts.envelopes(manifest):
            blob = await self._read(session, wanted, f"blobs/{layer}")
            if blob is not None and artefacts.sha256(blob) == layer:
                try:
                    found.append(dsse.decode(blob))
                except ValueError:
                    continue
        return found

    async def _read(self, session: Session, wanted: Reference, what: str) -> bytes | None:
        answer = await _read(session, f"{wanted.repository}/{what}", ANY if what.startswith("manifests") else {})
        if answer.status_code == 404:
            return None
        _expect(session, wanted, answer, 200)
        return answer.content

    async def _subject(self, session: Session, wanted: Reference) -> Descriptor:
        answer = await session.ask("GET", f"{wanted.repository}/manifests/{wanted.version}", {"Accept": MANIFESTS})
        _expect(session, wanted, answer, 200)
        kind = answer.headers.get("Content-Type", artefacts.MANIFEST)
        return {"mediaType": kind, "digest": wanted.version, "size": len(answer.content)}

    # What is added

    async def _blob(self, session: Session, wanted: Reference, content: bytes) -> None:
        digest = artefacts.sha256(content)
        there = await session.ask("HEAD", f"{wanted.repository}/blobs/{digest}", {})
        if there.status_code == 200:
            return
        begun = await session.ask("POST", f"{wanted.repository}/blobs/uploads/", {}, b"")
        _expect(session, wanted, begun, 202)
        place = httpx2.URL(urljoin(str(begun.url), begun.headers["Location"])).copy_merge_params({"digest": digest})
        done = await session.ask("PUT", str(place), {"Content-Type": "application/octet-stream"}, content)
        _expect(session, wanted, done, 201)

    async def _manifest(self, session: Session, wanted: Reference, tag: str, content: bytes, kind: str) -> None:
        answer = await session.ask("PUT", f"{wanted.repository}/manifests/{tag}", {"Content-Type": kind}, content)
        _expect(session, wanted, answer, 201)

    async def _list(self, session: Session, wanted: Reference, made: Sequence[Artefact]) -> None:
        """Returns when the index holds these, and all others that have a tag."""
        ours: list[Descriptor] = [one.descriptor for one in made]
        tag = artefacts.fallback(wanted.version)
        for _ in range(TRIES):
            known = await self._indexed(session, wanted)
            listed = {str(one["digest"]) for one in known}
            missing = [one for one in ours if str(one["digest"]) not in listed]
            missing += await self._tagged(session, wanted, listed | {str(one["digest"]) for one in missing})
            if not missing:
                return
            await self._manifest(session, wanted, tag, artefacts.index([*known, *missing]), artefacts.INDEX)
            await asyncio.sleep(random.uniform(0, PAUSE))  # noqa: S311 - so that two of them do not keep step
        raise RegistryError(
            f"The evidence could not be attached: others change {tag} all the time",
            where=f"{wanted.host}/{wanted.repository}",
            hint="run it again: what is attached already stays",
        )


async def _read(session: Session, path: str, headers: Mapping[str, str]) -> httpx2.Response:
    """A registry that keeps what a tag names in a file may fail while somebody else writes it."""
    for _ in range(READS):
        answer = await session.ask("GET", path, headers)
        if answer.status_code < 500:
            break
        await asyncio.sleep(random.uniform(0, PAUSE))  # noqa: S311
    return answer


async def _pages(session: Session, first: str, headers: Mapping[str, str]) -> AsyncIterator[httpx2.Response]:
    path: str | None = first
    while path:
        answer = await session.ask("GET", path, headers)
        yield answer
        following = answer.links.get("next", {}).get("url")
        path = urljoin(str(answer.url), following) if following else None


def _expect(session: Session, wanted: Reference, answer: httpx2.Response, status: int) -> None:
    if answer.status_code != status:
        raise refused(wanted, answer.status_code, answer.text, known=session.known)
