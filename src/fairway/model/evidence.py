"""Signed statements about images: envelopes as they are kept, and what was found out about each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

STATEMENT = "application/vnd.in-toto+json"
"""The type of what is in an envelope."""


class Signature(Struct, frozen=True, kw_only=True):
    """`sig` is base64; `keyid` is a hint, which nobody has signed."""

    keyid: str = ""
    sig: str


class Envelope(Struct, frozen=True, kw_only=True):
    """DSSE: a statement (base64, in `payload`) and its signatures. Without a signature it is only what somebody has said."""

    payload: str
    kind: str = field(default=STATEMENT, name="payloadType")
    signatures: tuple[Signature, ...] = ()


class Subject(Struct, frozen=True):
    """An image that a statement is about, by the SHA-256 of its manifest, or its ID where it is in no registry (hexadecimal)."""

    name: str
    sha256: str


class Statement(Struct, frozen=True, kw_only=True):
    """in-toto, version 1. `kind` is the predicate's type."""

    kind: str
    subjects: tuple[Subject, ...]
    predicate: Mapping[str, Any]


class PublicKey(Struct, frozen=True):
    """An ed25519 key. `name` is what people call it: its file. `id` is the SHA-256 of its SubjectPublicKeyInfo (hexadecimal)."""

    name: str
    id: str
    raw: bytes

    def __str__(self) -> str:
        return f"{self.name} ({self.id[:12]})"


class Standing(StrEnum):
    """What an envelope is worth to whoever trusts certain keys."""

    TRUSTED = "trusted"
    UNSIGNED = "unsigned"
    STRANGER = "signed by a key that is not trusted"
    BROKEN = "its signature does not fit"
    ELSEWHERE = "about another image"
    UNREADABLE = "no statement"


class Attestation(Struct, frozen=True, kw_only=True):
    """An envelope that was found with an image, and what it is worth. `keys` are those of the trusted ones that have signed it.

    `detail` says more, for people; `statement` is None where it cannot be read.
    """

    envelope: Envelope
    standing: Standing
    statement: Statement | None = None
    keys: tuple[PublicKey, ...] = ()
    detail: str = ""
