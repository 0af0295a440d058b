"""What is known of the images that are to run somewhere, and what of it counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from fairway.attest.statement import BUILD
from fairway.model.build import Build, ImageRef
from fairway.model.evidence import Attestation, PublicKey, Standing
from fairway.model.release import Record
from fairway.policy.rules import Rules

CLAIMS = (Standing.TRUSTED, Standing.UNSIGNED, Standing.STRANGER)
"""What is about the image, and was not changed since somebody has said it."""


class ImageFacts(Struct, frozen=True, kw_only=True):
    """`found` is every envelope that was found with the image, whatever it is worth."""

    service: str
    image: ImageRef
    found: tuple[Attestation, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.image.repository}@{self.image.digest or self.image.id}"


class Facts(Struct, frozen=True, kw_only=True):
    """`build` is the record of whoever built them, as far as it is here; `origin` the ledger of the environment they come from.

    `now` is seconds since the epoch. `named` is how commands name the images: --commit COMMIT.
    """

    app: str
    environment: str
    images: tuple[ImageFacts, ...]
    now: float
    build: Build | None = None
    origin: tuple[Record, ...] = ()
    named: str = "--commit COMMIT"


def good(facts: ImageFacts, kind: str, rules: Rules) -> list[Mapping[str, Any]]:
    """The predicates of a kind that speak for the image: where keys are named, one of them has signed."""
    return [
        one.statement.predicate
        for one in _about(facts, kind)
        if one.statement and (not rules.signed_by or signers(one, rules.signed_by))
    ]


def bad(facts: ImageFacts, kind: str) -> list[Mapping[str, Any]]:
    """Those that may speak against it, whoever has said so: to drop evidence must not make anything better."""
    return [one.statement.predicate for one in _about(facts, kind) if one.statement]


def signers(one: Attestation, keys: Iterable[PublicKey]) -> set[str]:
    """The IDs of those of the keys that have signed it."""
    return {key.id for key in one.keys} & {key.id for key in keys}


def _about(facts: ImageFacts, kind: str) -> Iterable[Attestation]:
    for one in facts.found:
        if one.statement and one.statement.kind == kind and one.standing in CLAIMS:
            yield one


def doubts(facts: ImageFacts, kind: str | None, rules: Rules) -> str:
    """Why what was found does not count, for people: the worst first."""
    worst = (Standing.BROKEN, Standing.ELSEWHERE, Standing.STRANGER, Standing.UNSIGNED, Standing.UNREADABLE)
    lines: dict[str, None] = {}
    for standing in worst:
        for one in facts.found:
            if one.standing is standing and (kind is None or one.statement is None or one.statement.kind == kind):
                lines[one.detail or standing.value] = None
    for one in facts.found:
        if one.standing is Standing.TRUSTED and not signers(one, rules.signed_by) and rules.signed_by:
            lines[f"it is signed by {', '.join(map(str, one.keys))}"] = None
    return "; ".join(list(lines)[:3])


def source(predicate: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a build: its branch, its tags, whether the tree was dirty. Whoever else's provenance has no such words."""
    told = predicate.get("buildDefinition")
    inner = told.get("internalParameters") if isinstance(told, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def built(predicate: Mapping[str, Any]) -> float | None:
    """When an image was built, in seconds since the epoch."""
    told = predicate.get("runDetails")
    metadata = told.get("metadata") if isinstance(told, Mapping) else None
    return moment(metadata.get("finishedOn")) if isinstance(metadata, Mapping) else None


def moment(text: object) -> float | None:
    """Seconds since the epoch of an ISO 8601 time with its zone; None where it is none."""
    try:
        found = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found.timestamp() if found.tzinfo else found.replace(tzinfo=UTC).timestamp()


def builds(facts: Facts, image: ImageFacts, rules: Rules) -> list[Mapping[str, Any]]:
    """What is said of how the image was built; without named keys, the record that lies here says so, too."""
    found = good(image, BUILD, rules)
    record = facts.build
    if rules.signed_by or found or record is None or not record.created:
        return found
    commit = record.commit
    inner = {"branch": commit.branch, "tags": list(commit.tags), "dirty": commit.dirty}
    return [
        {
            "buildDefinition": {"internalParameters": inner},
            "runDetails": {"metadata": {"finishedOn": record.created}},
        }
    ]
