"""Keys, statements and envelopes for tests: signed by real keys."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from fairway.attest import dsse, said, statement
from fairway.evidence import ed25519
from fairway.model.build import Commit, Evidence, ImageRef, Provenance
from fairway.model.evidence import Attestation, Envelope, PublicKey, Signature, Standing, Statement
from fairway.model.stage import Stage

COMMIT = Commit(sha="a" * 40, describe="v1", branch="main", source="https://example.com/shop.git", tags=("v1",))
IMAGE = ImageRef(reference="r.example.com/shop-web:1", id="sha256:" + "1" * 64, digest="sha256:" + "d" * 64)
OTHER = ImageRef(reference="r.example.com/shop-web:1", id="sha256:" + "2" * 64, digest="sha256:" + "e" * 64)
BUILT = "2026-05-01T10:00:00Z"
check = ed25519.check


class Key:
    """A pair that signs: ports.evidence.Signer."""

    def __init__(self, name: str, seed: int) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.key: PublicKey = ed25519.describe(self.private.public_key(), name)

    async def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)

    def envelope(self, *statements: Statement) -> Envelope:
        payload = statement.encode(statements[0])
        raw = self.private.sign(dsse.signed(dsse.envelope(payload).kind, payload))
        return dsse.envelope(payload, (Signature(keyid=self.key.id, sig=dsse.packed(raw)),))


CI, ANN, BOB, EVE = (Key(name, seed) for seed, name in enumerate(("ci.pub", "ann.pub", "bob.pub", "eve.pub"), 1))


def build(image: ImageRef = IMAGE, commit: Commit = COMMIT, finished: str = BUILT) -> Statement:
    made = Provenance(versions={"docker": "20.10"}, bases={"debian:12": "sha256:" + "b" * 64})
    return said.built(
        "shop", "web", image, commit=commit, provenance=made, started=BUILT, finished=finished, by="ci@runner"
    )


def test(stage: str = "unit", *, passed: bool = True, finished: str = BUILT, image: ImageRef = IMAGE) -> Statement:
    found = Evidence(stage=stage, passed=passed, started=BUILT, output_sha256="f" * 64)
    return said.tested(image, Stage(name=stage), found, finished, "ci@runner")


test.__test__ = False  # type: ignore[attr-defined]


def approval(image: ImageRef = IMAGE, environment: str = "production") -> Statement:
    return said.approved("shop", environment, [image], commit="c", when=BUILT, by="ann@desk")


def trusted(one: Statement, *keys: Key) -> Attestation:
    return Attestation(
        envelope=keys[0].envelope(one),
        standing=Standing.TRUSTED,
        statement=one,
        keys=tuple(key.key for key in keys),
    )


def unsigned(one: Statement) -> Attestation:
    return Attestation(envelope=dsse.envelope(statement.encode(one)), standing=Standing.UNSIGNED, statement=one)


def tampered(envelope: Envelope, old: str, new: str) -> Envelope:
    """The same signature over other words."""
    payload = dsse.payload(envelope).decode().replace(old, new).encode()
    return replace(envelope, payload=dsse.packed(payload))
