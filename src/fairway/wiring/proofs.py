"""What is known of the images of an environment: who says so, where it is kept, and what the environment requires."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from fairway.builders.store import FOLDER, FileBuilds
from fairway.evidence.files import FileEvidence
from fairway.flows.gate import Gate
from fairway.model.app import App
from fairway.model.build import Build, ImageRef
from fairway.model.errors import ImageNotFound, Refused, UsageError
from fairway.model.evidence import PublicKey
from fairway.model.release import Record, Release, promoted
from fairway.ports.evidence import EvidenceStore, Signer
from fairway.wiring.evidence import LateEvidence, check, rules, signer, trusted
from fairway.wiring.parts import Parts

if TYPE_CHECKING:
    from fairway.builders.docker import DockerBuilder
    from fairway.net.client import Docker
    from fairway.pipeline.notary import Notary
    from fairway.registry.http import HttpRegistry
    from fairway.wiring.checkout import Project


def registry(docker: Docker) -> HttpRegistry:
    """What the host's engine may reach without TLS, this machine may, too."""
    from fairway.registry.http import HttpRegistry
    from fairway.registry.insecure import insecure_registries

    return HttpRegistry(insecure=lambda: insecure_registries(docker))


class Proofs(Struct, frozen=True):
    """An environment of a project, connected."""

    project: Project
    name: str
    parts: Parts

    @property
    def local(self) -> EvidenceStore:
        return FileEvidence(self.project.directory / FOLDER)

    @property
    def attached(self) -> EvidenceStore:
        """In the registry of an image."""

        def made() -> EvidenceStore:
            from fairway.registry.referrers import RegistryEvidence

            return RegistryEvidence(registry(self.parts.docker))

        return LateEvidence(made)

    @property
    def here(self) -> tuple[EvidenceStore, ...]:
        """In the environment itself."""
        return (self.parts.records.evidence, self.parts.records.contents)

    @property
    def kept(self) -> tuple[EvidenceStore, ...]:
        """Where what is known of the images goes with them: what is in them only where no registry has it."""
        return self.here[:1] if self.project.settings.registry_of(self.name) else self.here

    def stores(self, *, contents: bool = False) -> tuple[EvidenceStore, ...]:
        """Where it is looked for, the nearest first; `contents`: what is in the images, too."""
        return (self.local, *(self.here if contents else self.here[:1]), self.attached)

    def gate(self, origin: Callable[[], Awaitable[tuple[Record, ...]]], extra: tuple[EvidenceStore, ...] = ()) -> Gate:
        """What stands before the environment. `origin` reads the ledger of the one that images come from, `extra` has evidence, too.

        Raises InvalidFiles where a key that it names cannot be read.
        """
        return Gate(
            environment=self.project.environment(self.name),
            rules=rules(self.project, self.name),
            stores=(*self.stores(), *extra),
            check=check,
            clock=self.parts.clock,
            origin=origin,
        )

    def notary(self, app: App, by: str, builder: DockerBuilder) -> Notary:
        """Raises FairwayError where the key that signs cannot be used."""
        from fairway.builders.inventory import DockerInventory
        from fairway.pipeline.notary import Notary

        settings = self.project.settings
        return Notary(
            app=app.name,
            by=by,
            stages=settings.stages(),
            local=self.local,
            registry=self.attached,
            check=check,
            signer=signer(self.project) if settings.sign else None,
            inventory=DockerInventory(builder) if settings.sbom else None,
        )

    # What commands ask for

    def trusted(self) -> tuple[PublicKey, ...]:
        return trusted(self.project, self.name)

    def check(self, key: PublicKey, message: bytes, signature: bytes) -> bool:
        return check(key, message, signature)

    def public_key(self, file: Path) -> PublicKey:
        """Raises FairwayError."""
        from fairway.evidence import ed25519

        return ed25519.read_public(file, str(file))

    def signer_of(self, file: Path) -> Signer:
        """Raises UsageError where there is no such file, FairwayError where it is no key."""
        from fairway.evidence import signers

        found = signers.from_file(file.expanduser(), str(file), None)
        if found is None:
            raise UsageError(f"there is no file {file}", hint="`fairway evidence keygen FILE` makes a key")
        return found

    async def build(self, tag: str) -> Build | None:
        """What is known of a build by its tag: beside the checkout, else in the ledger."""
        known = FileBuilds(self.project.directory).load(tag)
        if known:
            return known
        builds = [record.release.build for record in reversed(await self.parts.ledger.read())]
        return next((build for build in builds if build and build.commit.tag == tag), None)

    async def release(self, number: int | None) -> Release:
        """The one of that number, else the one that serves. Raises UsageError."""
        records = await self.parts.ledger.read()
        known = [record.release for record in records if record.release.number == number]
        found = promoted(records) if number is None else next(iter(known), None)
        if found is None:
            what = "nothing serves" if number is None else f"there is no release {number}"
            raise UsageError(f"{what} in {self.name}", hint="`fairway releases` lists them")
        return found

    async def image(self, reference: str) -> ImageRef:
        """The image behind a name, by its digest: the registry's, else the engine's. Raises ImageNotFound, RegistryError."""
        name, _, digest = reference.partition("@")
        if digest and name:
            return ImageRef(reference=name, digest=digest)
        found = await self._on_host(digest or reference)
        if found:
            return found
        pushed = await registry(self.parts.docker).digest(reference)
        if pushed is None:
            raise ImageNotFound(f"There is no image {reference}", hint="check the name and the tag")
        return ImageRef(reference=reference, digest=pushed)

    async def _on_host(self, reference: str) -> ImageRef | None:
        """What was never pushed; a name with a registry means what the registry has now, whatever lies here."""
        from fairway.engines.docker import images

        pushed = images.registry_of(reference) != images.HUB
        found = None if pushed else await images.local(self.parts.docker, self.parts.builder, reference)
        return ImageRef(reference=reference, id=str(found["Id"])) if found else None

    async def serving(self) -> Build:
        """The images that were built and serve here, as they serve. Raises Refused."""
        from msgspec.structs import replace

        found = promoted(await self.parts.ledger.read())
        if found is None or found.build is None:
            raise Refused(f"nothing that was built serves in {self.name}", hint=f"`fairway ship {self.name}` first")
        return replace(found.build, images={service: found.images[service] for service in found.build.images})
