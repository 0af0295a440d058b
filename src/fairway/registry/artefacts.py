"""Envelopes as OCI artefacts: what the registry is told of each. Pure.

The artefact's type is that of in-toto statements, and its one layer is an envelope of DSSE, as cosign has them; the statement's
type stands in the annotation that BuildKit writes, and in cosign's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from fairway.attest import dsse, statement
from fairway.model.evidence import STATEMENT, Envelope

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
ENVELOPE = "application/vnd.dsse.envelope.v1+json"
NOTHING = {
    "mediaType": "application/vnd.oci.empty.v1+json",
    "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    "size": 2,
}
"""The empty configuration, `{}`."""
LARGEST = 32 << 20
"""No larger envelope is read, in bytes."""

Descriptor = Mapping[str, Any]


class Artefact(Struct, frozen=True):
    """What is uploaded: the envelope's bytes, and the manifest's."""

    blob: bytes
    manifest: bytes
    predicate: str

    @property
    def digest(self) -> str:
        return sha256(self.manifest)

    @property
    def descriptor(self) -> dict[str, Any]:
        """As an index has it."""
        return {
            "mediaType": MANIFEST,
            "digest": self.digest,
            "size": len(self.manifest),
            "artifactType": STATEMENT,
            "annotations": {"in-toto.io/predicate-type": self.predicate},
        }


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def artefact(envelope: Envelope, subject: Descriptor) -> Artefact:
    """The same bytes for the same envelope, always: to attach it twice is to attach it once. `subject` is the image's manifest."""
    blob = dsse.encode(envelope)
    kind = statement.decode(dsse.payload(envelope)).kind
    layer = {
        "mediaType": ENVELOPE,
        "digest": sha256(blob),
        "size": len(blob),
        "annotations": {"in-toto.io/predicate-type": kind, "predicateType": kind},
    }
    told = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": STATEMENT,
        "config": NOTHING,
        "layers": [layer],
        "subject": subject,
        "annotations": {"in-toto.io/predicate-type": kind},
    }
    return Artefact(blob, json.dumps(told, separators=(",", ":")).encode(), kind)


def index(descriptors: Iterable[Descriptor]) -> bytes:
    known = {str(one["digest"]): one for one in descriptors}
    told = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [known[digest] for digest in sorted(known)]}
    return json.dumps(told, separators=(",", ":")).encode()


def listed(content: bytes) -> list[Descriptor]:
    """The artefacts in an index; none where it is no index."""
    try:
        told = json.loads(content)["manifests"]
        return [one for one in told if isinstance(one["digest"], str)]
    except (ValueError, KeyError, TypeError):
        return []


def envelopes(manifest: bytes) -> list[str]:
    """The digests of the envelopes that a manifest names; none where it is of something else."""
    try:
        layers = json.loads(manifest)["layers"]
        return [
            str(one["digest"]) for one in layers if one["mediaType"] == ENVELOPE and 0 < int(one["size"]) <= LARGEST
        ]
    except (ValueError, KeyError, TypeError):
        return []


def fallback(digest: str) -> str:
    """The tag of the index of what refers to an image, where the registry itself keeps none."""
    return digest.replace(":", "-")


def own_tag(digest: str, artefact: str) -> str:
    """The tag of one artefact, in such a registry: it keeps it from being collected, and tells what the index has to hold."""
    return f"{fallback(digest)}.{artefact.removeprefix('sha256:')[:12]}"
