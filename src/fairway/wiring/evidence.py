"""Who signs, which keys are trusted, and where evidence is looked for. What needs cryptography is imported when it is used."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from fairway.model.build import ImageRef
from fairway.model.errors import FairwayError, InvalidFiles, Problem
from fairway.model.evidence import Envelope, PublicKey
from fairway.policy.rules import Approvals, Promotion, Rules
from fairway.ports.evidence import EvidenceStore, Signer
from fairway.settings.evidence_model import SignSettings

if TYPE_CHECKING:
    from fairway.wiring.checkout import Project


def check(key: PublicKey, message: bytes, signature: bytes) -> bool:
    """`attest.weigh.Check`."""
    from fairway.evidence import ed25519

    return ed25519.check(key, message, signature)


def keygen(file: Path) -> PublicKey:
    """A new pair: `file`, and `file`.pub, which the key is named after. Raises UsageError."""
    from fairway.evidence import ed25519

    return ed25519.generate(file)


def signer(project: Project) -> Signer | None:
    """The first that this machine has. Raises FairwayError where it cannot be used."""
    from fairway.evidence import ed25519, signers

    said = project.settings.sign or SignSettings()
    found: Signer | None = signers.from_variable(said.environment, os.environ) if said.environment else None
    if found is None and said.key:
        identity = project.directory / Path(said.identity).expanduser() if said.identity else None
        found = signers.from_file(project.directory / Path(said.key).expanduser(), said.key, identity)
    if found is None and said.command and said.public:
        key = ed25519.read_public(project.directory / said.public, said.public)
        found = signers.CommandSigner(said.command, key, project.directory)
    return found


def rules(project: Project, name: str) -> Rules:
    """What an environment requires, with the keys that it names. Raises InvalidFiles with each that cannot be read."""
    said = project.settings.environments[name]
    problems: list[Problem] = []
    keys = _Keys(project, name, problems)
    require, origin = said.require, said.promoted_from
    found = Rules(
        tests=project.settings.required(name),
        clean=require.clean,
        branch=require.branch,
        tag=require.tag,
        promoted_from=Promotion(origin.environment, origin.at_least) if origin else None,
        signed_by=keys.of(require.signed_by, "signed_by"),
        max_age=require.max_age,
        approvals=Approvals(require.approvals.count, keys.of(require.approvals.keys, "approvals", "keys"))
        if require.approvals
        else None,
        override=require.override,
    )
    if problems:
        raise InvalidFiles(problems)
    return found


class _Keys(Struct):
    project: Project
    name: str
    problems: list[Problem]

    def of(self, files: Iterable[str], *path: str) -> tuple[PublicKey, ...]:
        return tuple(self._each(files, ("environments", self.name, "require", *path)))

    def _each(self, files: Iterable[str], path: tuple[str, ...]) -> Iterator[PublicKey]:
        from fairway.evidence import ed25519

        for number, file in enumerate(files):
            try:
                yield ed25519.read_public(self.project.directory / Path(file).expanduser(), file)
            except FairwayError as error:
                where = self.project.settings.where(*path, str(number))
                self.problems.append(Problem(f"{file}: {error.what}", where, path, error.hint))


def trusted(project: Project, name: str) -> tuple[PublicKey, ...]:
    """All keys that the environment names, and the one that this machine signs with."""
    found = rules(project, name).keys
    ours = signer(project) if project.settings.sign else None
    return (*found, ours.key) if ours and ours.key.id not in {key.id for key in found} else found


class LateEvidence(Struct, frozen=True):
    """A registry's evidence, whose HTTP client is imported when it is first asked; of an image in no registry there is none."""

    made: Callable[[], EvidenceStore]
    place: str = "the registry"

    async def find(self, image: ImageRef) -> tuple[Envelope, ...]:
        return await self.made().find(image) if image.digest else ()

    async def keep(self, image: ImageRef, envelopes: Sequence[Envelope]) -> None:
        if image.digest and envelopes:
            await self.made().keep(image, envelopes)
