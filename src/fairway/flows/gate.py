"""What stands before an environment: its policy, asked about the very images that are to run, before anything changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from fairway.attest.weigh import Check, weigh
from fairway.model.build import Build, ImageRef
from fairway.model.environment import Environment
from fairway.model.errors import FairwayError, PolicyRefused, Problem
from fairway.model.events import Emit, Note
from fairway.model.evidence import Envelope
from fairway.model.release import Record, Release
from fairway.policy.facts import Facts, ImageFacts
from fairway.policy.refusals import Refusal, refusals
from fairway.policy.rules import Rules
from fairway.ports.evidence import EvidenceStore


class Gate(Struct, frozen=True, kw_only=True):
    """`stores` are asked in turn, the nearest first; `origin` reads the ledger of the environment that images come from.

    `clock` gives seconds since the epoch, as the environment has them.
    """

    environment: Environment
    rules: Rules
    stores: Sequence[EvidenceStore]
    check: Check
    clock: Callable[[], float]
    origin: Callable[[], Awaitable[tuple[Record, ...]]]


class Admitted(Struct, frozen=True, kw_only=True):
    """`evidence` is what was found of each image, by its `pinned`; `overridden` the rules that somebody went past."""

    evidence: Mapping[str, tuple[Envelope, ...]] = field(default_factory=dict)
    overridden: tuple[str, ...] = ()


async def admit(
    gate: Gate,
    images: Mapping[str, ImageRef],
    build: Build | None,
    emit: Emit,
    *,
    override: str = "",
    named: str = "",
) -> Admitted:
    """Raises PolicyRefused with everything that is missing, and FairwayError where nobody can say what is.

    `images`: those that were built, by service, as the engine has them. `override`: why somebody wants to go past the rules that
    allow it; `named`: how commands name these images, where it is not by their commit.
    """
    evidence: dict[str, tuple[Envelope, ...]] = {}
    if gate.rules.asks:
        evidence = {image.pinned: await look(gate.stores, image, emit) for image in images.values()}
    facts = Facts(
        app=gate.environment.app,
        environment=gate.environment.name,
        images=tuple(_facts(gate, service, image, evidence.get(image.pinned, ())) for service, image in images.items()),
        now=gate.clock(),
        build=build,
        origin=await gate.origin() if gate.rules.promoted_from and images else (),
        named=named or f"--commit {build.commit.tag if build else 'COMMIT'}",
    )
    missing = refusals(gate.rules, facts)
    refused = [one for one in missing if not (override and one.rule in gate.rules.override)]
    if refused:
        raise _refused(gate, refused, override)
    overridden = tuple(dict.fromkeys(one.rule for one in missing))
    for one in missing:
        emit(Note(f"overridden ({override}): {one.rule}: {one.image}: {one.why}", "warning"))
    return Admitted(evidence=evidence, overridden=overridden)


async def back(gate: Gate, release: Release, emit: Emit, *, override: str = "") -> Admitted:
    """What served here before may serve again, whatever has changed since: but for `signed_by`, for a key may have been lost.

    Raises PolicyRefused.
    """
    if not gate.rules.signed_by or release.build is None:
        return Admitted()
    rules = Rules(signed_by=gate.rules.signed_by, override=gate.rules.override)
    images = {service: release.images[service] for service in release.build.images}
    return await admit(replace(gate, rules=rules), images, release.build, emit, override=override)


async def carry(
    near: Sequence[EvidenceStore], kept: Sequence[EvidenceStore], release: Release, admitted: Admitted, emit: Emit
) -> None:
    """What is known of the images goes where they run: into `kept`. Where nobody had to ask, it is what `near` has.

    Where an image of the same content runs already, it goes on running: then it is of two images.
    """
    for service, image in (release.build.images if release.build else {}).items():
        for one in {image.pinned: image, release.images[service].pinned: release.images[service]}.values():
            found = admitted.evidence.get(one.pinned) or await look(near, one, emit)
            for store in kept:
                await store.keep(one, found)


async def look(stores: Sequence[EvidenceStore], image: ImageRef, emit: Emit) -> tuple[Envelope, ...]:
    """From all stores that answer: what is missing because one does not is missed by the rule that needs it."""

    async def ask(store: EvidenceStore) -> tuple[Envelope, ...]:
        try:
            return await store.find(image)
        except FairwayError as error:
            emit(Note(f"evidence in {store.place} cannot be looked for: {error.what}", "warning"))
            return ()

    found = await asyncio.gather(*(ask(store) for store in stores))
    return tuple(dict.fromkeys(one for some in found for one in some))


def _facts(gate: Gate, service: str, image: ImageRef, envelopes: tuple[Envelope, ...]) -> ImageFacts:
    found = weigh(envelopes, image, gate.rules.keys, gate.check) if envelopes else []
    return ImageFacts(service=service, image=image, found=tuple(found))


def _refused(gate: Gate, refused: Sequence[Refusal], override: str) -> PolicyRefused:
    """What was to be overridden and may not be is said, too."""
    problems = [Problem(one.why, one.image, ("require", one.rule), one.hint) for one in refused]
    rules = ", ".join(dict.fromkeys(one.rule for one in refused))
    hint = ""
    if override:
        hint = f"`require.override` of {gate.environment.name} does not allow to go past {rules}"
    elif all(one.rule in gate.rules.override for one in refused):
        hint = 'or say why not: --override "reason", which is recorded'
    count = len(problems)
    what = f"{gate.environment.name} requires what is not there ({count} time{'s' if count > 1 else ''}): {rules}"
    return PolicyRefused(what, problems, hint=hint)
