"""What an envelope is worth: who has signed it, and whether it is about the image that it was found with. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from fairway.attest import dsse, statement
from fairway.model.build import ImageRef
from fairway.model.evidence import STATEMENT, Attestation, Envelope, PublicKey, Standing, Statement

Check = Callable[[PublicKey, bytes, bytes], bool]
"""Whether a signature over a message is that key's: (key, message, signature)."""


def weigh(envelopes: Iterable[Envelope], image: ImageRef, keys: Sequence[PublicKey], check: Check) -> list[Attestation]:
    """Each envelope once, in the order in which they were found.

    `image` is what the engine, or the registry, has: its digest and its ID are addresses of its content, never a tag's word.
    """
    return [_weigh(one, image, keys, check) for one in dict.fromkeys(envelopes)]


def _weigh(envelope: Envelope, image: ImageRef, keys: Sequence[PublicKey], check: Check) -> Attestation:
    try:
        payload = dsse.payload(envelope)
        said = statement.decode(payload)
    except ValueError as error:
        return Attestation(envelope=envelope, standing=Standing.UNREADABLE, detail=str(error))
    if envelope.kind != STATEMENT:
        return Attestation(envelope=envelope, standing=Standing.UNREADABLE, detail=f"its type is {envelope.kind!r}")
    if not {one.sha256 for one in said.subjects} & set(statement.digests(image)):
        detail = _about(said, image)
        return Attestation(envelope=envelope, standing=Standing.ELSEWHERE, statement=said, detail=detail)
    signers = tuple(_signers(envelope, payload, keys, check))
    standing, detail = (Standing.TRUSTED, "") if signers else _doubt(envelope, keys)
    return Attestation(envelope=envelope, standing=standing, statement=said, keys=signers, detail=detail)


def _about(said: Statement, image: ImageRef) -> str:
    others = ", ".join(f"sha256:{one.sha256[:12]}" for one in said.subjects) or "nothing"
    return f"it is about {others}, and this is sha256:{statement.digests(image)[0][:12]}"


def _signers(envelope: Envelope, payload: bytes, keys: Sequence[PublicKey], check: Check) -> Iterable[PublicKey]:
    """Whatever key the envelope names: each one is tried, and counts once."""
    message = dsse.signed(envelope.kind, payload)
    signatures = [raw for one in envelope.signatures if (raw := _raw(one.sig))]
    for key in {key.id: key for key in keys}.values():
        if any(check(key, message, signature) for signature in signatures):
            yield key


def _raw(sig: str) -> bytes:
    try:
        return dsse.unpacked(sig)
    except ValueError:
        return b""


def _doubt(envelope: Envelope, keys: Sequence[PublicKey]) -> tuple[Standing, str]:
    if not envelope.signatures:
        return Standing.UNSIGNED, "nobody has signed it"
    claimed = {key.id: key for key in keys}
    for one in envelope.signatures:
        if one.keyid in claimed:
            return Standing.BROKEN, f"it names {claimed[one.keyid]}, whose signature this is not: it was changed"
    named = ", ".join(one.keyid[:12] or "no key" for one in envelope.signatures)
    return Standing.STRANGER, f"it is signed by {named}"
