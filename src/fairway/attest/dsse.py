"""Envelopes (DSSE, version 1): what is signed, and how it is written down. Pure."""

from __future__ import annotations

import binascii
import hashlib
from base64 import b64decode, b64encode

import msgspec

from fairway.model.evidence import STATEMENT, Envelope, Signature


def signed(kind: str, payload: bytes) -> bytes:
    """The bytes that a signature is over (the specification's pre-authentication encoding): no type passes for another one."""
    return b"DSSEv1 %d %b %d %b" % (len(kind.encode()), kind.encode(), len(payload), payload)


def envelope(payload: bytes, signatures: tuple[Signature, ...] = ()) -> Envelope:
    return Envelope(payload=packed(payload), kind=STATEMENT, signatures=signatures)


def payload(envelope: Envelope) -> bytes:
    """Raises ValueError where it is no base64."""
    return unpacked(envelope.payload)


def unpacked(text: str) -> bytes:
    """Base64 of either alphabet, as the specification allows. Raises ValueError."""
    try:
        return b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"no base64: {error}") from error


def packed(raw: bytes) -> str:
    return b64encode(raw).decode()


def encode(envelope: Envelope) -> bytes:
    """The same bytes for the same envelope, always: its name on a shelf is made of them."""
    return msgspec.json.encode(envelope)


def decode(data: bytes) -> Envelope:
    """Raises ValueError for what is no envelope."""
    try:
        return msgspec.json.decode(data, type=Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"no DSSE envelope: {error}") from error


def name(envelope: Envelope) -> str:
    """What tells it from every other one, in sixteen characters."""
    return hashlib.sha256(encode(envelope)).hexdigest()[:16]
