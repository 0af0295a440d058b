"""in-toto statements as JSON, and back. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from fairway.model.build import ImageRef
from fairway.model.evidence import Statement, Subject

TYPE = "https://in-toto.io/Statement/v1"
OLDER = "https://in-toto.io/Statement/v0.1"
"""What other tools still write: the same fields."""

BUILD = "https://slsa.dev/provenance/v1"
TEST = "https://in-toto.io/attestation/test-result/v0.1"
PUBLICATION = "https://in-toto.io/attestation/release/v0.1"
CONTENTS = "https://cyclonedx.org/bom"
APPROVAL = "urn:fairway:approval:v1"

NAMES = {BUILD: "build", TEST: "test", PUBLICATION: "publication", CONTENTS: "contents", APPROVAL: "approval"}


def kind(statement: Statement) -> str:
    """What people call it: a test's stage is told, too."""
    name = NAMES.get(statement.kind, statement.kind)
    stage = statement.predicate.get("fairway_stage")
    return f"{name} {stage}" if stage and statement.kind == TEST else name


def hexadecimal(digest: str) -> str:
    return digest.removeprefix("sha256:")


def digests(image: ImageRef) -> tuple[str, ...]:
    """What says which bytes these are, hexadecimal: first that of its manifest, where it was ever in a registry."""
    return tuple(hexadecimal(digest) for digest in (image.digest, image.id) if digest)


def subjects(images: Iterable[ImageRef]) -> tuple[Subject, ...]:
    """Each image once, by its manifest's digest, and by its ID, which is all there is before it is pushed."""
    found = {Subject(image.repository, digest): None for image in images for digest in digests(image)}
    return tuple(found)


def encode(statement: Statement) -> bytes:
    """The same bytes for the same statement, always."""
    told = {
        "_type": TYPE,
        "subject": [{"name": one.name, "digest": {"sha256": one.sha256}} for one in statement.subjects],
        "predicateType": statement.kind,
        "predicate": statement.predicate,
    }
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def decode(payload: bytes) -> Statement:
    """Raises ValueError for what is no such statement; subjects without a SHA-256 are left out."""
    try:
        told: Any = json.loads(payload)
        if told["_type"] not in (TYPE, OLDER):
            raise ValueError(f"its type is {told['_type']!r}")
        return Statement(
            kind=str(told["predicateType"]),
            subjects=tuple(_subjects(told["subject"])),
            predicate=dict(told.get("predicate") or {}),
        )
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError, RecursionError, json.JSONDecodeError) as error:
        raise ValueError(f"no in-toto statement: {type(error).__name__}: {error}") from error


def _subjects(told: Any) -> Iterable[Subject]:
    for one in told:
        digest = one["digest"].get("sha256")
        if isinstance(digest, str):
            yield Subject(str(one.get("name", "")), digest)


def purl(image: ImageRef, tag: str) -> str:
    """The package URL of a pushed image."""
    name = image.repository.rpartition("/")[2]
    where = quote(image.repository, safe="/:")
    return f"pkg:oci/{name}@{quote(image.digest, safe='')}?repository_url={where}&tag={quote(tag, safe='')}"
