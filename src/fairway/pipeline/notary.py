"""Writes down what is known of images, as signed statements: beside the checkout, and in the registry once they are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from fairway.attest import dsse, said, statement
from fairway.attest.weigh import Check, weigh
from fairway.model.build import Build, Evidence, ImageRef, Provenance
from fairway.model.evidence import Attestation, Envelope, Signature, Standing, Statement
from fairway.model.stage import Stage
from fairway.pipeline.telling import now
from fairway.ports.evidence import EvidenceStore, Signer
from fairway.ports.making import Inventory

UNKNOWN = Provenance()


class Notary(Struct, frozen=True, kw_only=True):
    """`signer` None: what is said is not signed, and counts where no policy asks for signatures. `by` is user@machine.

    `inventory` None: nobody looks what is in the images.
    """

    app: str
    by: str
    stages: Sequence[Stage]
    local: EvidenceStore
    registry: EvidenceStore
    check: Check
    signer: Signer | None = None
    inventory: Inventory | None = None

    async def witness(self, build: Build, made_with: Mapping[str, Provenance] | None = None, started: str = "") -> None:
        """Say of each image what the build's record has and nobody has said yet, and sign what nobody has signed.

        `made_with`: by service, where they have just been built, since `started`. Raises what the signer and the stores raise.
        """
        for service, image in _each(build):
            known = [one for one in await self._known(image) if self._ours(one)]
            due = list(self._due(build, service, image, (made_with or {}).get(service, UNKNOWN), started))
            new = [await self._signed(one) for one in due if not any(_same(one, old) for old in known)]
            if self.inventory and not any(one.kind == statement.CONTENTS for one in _said(known)):
                new.append(await self._signed(said.contains(image, await self.inventory.contents(image))))
            if self.signer:
                signed = _said(known, Standing.TRUSTED)
                new += [await self._signed(one) for one in _said(known, Standing.UNSIGNED) if one not in signed]
            if new:
                await self.local.keep(image, new)
                if build.pushed:
                    await self.registry.keep(image, new)

    async def published(self, build: Build, images: Mapping[str, ImageRef]) -> None:
        """Say that they were pushed, and attach what is known of them. `images`: with the digests of their manifests."""
        when = now()
        for service, _ in _each(build):
            image = images[service]
            pushed = await self._signed(said.published(image, build.tags, when, self.by))
            known = [await self._about(one, image) for one in await self._known(build.images[service]) if _counts(one)]
            whole = list(dict.fromkeys([*known, pushed]))
            await self.local.keep(image, whole)
            await self.registry.keep(image, whole)

    def _ours(self, one: Attestation) -> bool:
        """Where there is a key, what another one has signed is for others to count on, and is said once more."""
        return self.signer is None or one.standing is not Standing.STRANGER

    async def _known(self, image: ImageRef) -> list[Attestation]:
        keys = [self.signer.key] if self.signer else []
        return weigh(await self.local.find(image), image, keys, self.check)

    def _due(
        self, build: Build, service: str, image: ImageRef, provenance: Provenance, started: str
    ) -> Iterator[Statement]:
        yield said.built(
            self.app,
            service,
            image,
            commit=build.commit,
            provenance=provenance,
            started=started,
            finished=build.created,
            by=self.by,
            definition=build.extra.get("definition", ""),
        )
        stages = {stage.name: stage for stage in self.stages}
        for evidence in build.evidence:
            stage = stages.get(evidence.stage) or Stage(name=evidence.stage)
            yield said.tested(image, stage, evidence, _finished(evidence), self.by)

    async def _about(self, one: Attestation, image: ImageRef) -> Envelope:
        """The same about the image by its manifest's digest, where that is ours to say."""
        if one.statement is None or one.standing is Standing.STRANGER:
            return one.envelope
        return await self._signed(said.moved(one.statement, image))

    async def _signed(self, one: Statement) -> Envelope:
        payload = statement.encode(one)
        envelope = dsse.envelope(payload)
        if self.signer is None:
            return envelope
        raw = await self.signer.sign(dsse.signed(envelope.kind, payload))
        return dsse.envelope(payload, (Signature(keyid=self.signer.key.id, sig=dsse.packed(raw)),))


def _each(build: Build) -> Iterator[tuple[str, ImageRef]]:
    """Services that share an image and its name are one."""
    seen: set[tuple[str, str]] = set()
    for service, image in build.images.items():
        if (key := (image.repository, image.pinned)) not in seen:
            seen.add(key)
            yield service, image


def _said(known: Iterable[Attestation], *standings: Standing) -> list[Statement]:
    return [one.statement for one in known if one.statement and (not standings or one.standing in standings)]


def _counts(one: Attestation) -> bool:
    """What is about this image, and was not changed since it was signed."""
    return one.standing in (Standing.TRUSTED, Standing.STRANGER, Standing.UNSIGNED)


def _same(one: Statement, old: Attestation) -> bool:
    """Whether that was said already: of an image there is one build, but its commit may get a tag later; a stage is begun once."""
    if old.statement is None or old.statement.kind != one.kind or not _counts(old):
        return False
    if one.kind == statement.BUILD:
        return _source(one) == _source(old.statement)
    keys = ("fairway_stage", "fairway_startedOn", "fairway_output")
    return all(old.statement.predicate.get(key) == one.predicate.get(key) for key in keys)


def _source(one: Statement) -> Mapping[str, object]:
    source: Mapping[str, object] = one.predicate["buildDefinition"]["internalParameters"]
    return source


def _finished(evidence: Evidence) -> str:
    try:
        began = datetime.strptime(evidence.started, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return evidence.started
    ended = began + timedelta(seconds=evidence.seconds)
    return ended.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
