"""What an envelope is worth, and that others read it, too."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace
from securesystemslib.dsse import Envelope as TheirEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from fairway.attest import dsse, said, statement
from fairway.attest.weigh import weigh
from fairway.model.evidence import Envelope, PublicKey, Signature, Standing
from tests.unit.attest.parts import ANN, CI, EVE, IMAGE, OTHER, build, check, tampered, test


def standing(envelope: Envelope, *keys: PublicKey) -> tuple[Standing, str]:
    [found] = weigh([envelope], IMAGE, keys or (CI.key,), check)
    return found.standing, found.detail


def theirs(key: PublicKey) -> SSlibKey:
    return SSlibKey(key.id, "ed25519", "ed25519", {"public": key.raw.hex()})


def test_the_specifications_own_example_of_what_is_signed() -> None:
    assert dsse.signed("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_securesystemslib_verifies_what_fairway_has_signed() -> None:
    written = json.loads(dsse.encode(CI.envelope(build())))
    read = TheirEnvelope.from_dict(written)
    assert set(read.verify([theirs(CI.key)], 1)) == {CI.key.id}
    assert json.loads(read.payload)["_type"] == "https://in-toto.io/Statement/v1"
    with pytest.raises(VerificationError):
        read.verify([theirs(EVE.key)], 1)


def test_fairway_verifies_what_securesystemslib_has_written() -> None:
    payload = statement.encode(build())
    theirs = TheirEnvelope(payload, "application/vnd.in-toto+json", {})
    raw = CI.private.sign(theirs.pae())
    assert theirs.pae() == dsse.signed("application/vnd.in-toto+json", payload)
    read = dsse.decode(json.dumps(theirs.to_dict()).encode())
    assert standing(replace(read, signatures=(Signature(sig=dsse.packed(raw)),))) == (Standing.TRUSTED, "")


def test_a_trusted_key_is_named() -> None:
    [found] = weigh([CI.envelope(build())], IMAGE, [ANN.key, CI.key], check)
    assert found.standing is Standing.TRUSTED
    assert found.keys == (CI.key,)


def test_before_it_is_pushed_an_image_is_known_by_its_id() -> None:
    local = replace(IMAGE, digest="")
    [found] = weigh([CI.envelope(build(local))], IMAGE, [CI.key], check)
    assert found.standing is Standing.TRUSTED
    moved = said.moved(build(local), IMAGE)
    assert [one.sha256[0] for one in moved.subjects] == ["d", "1"]


def test_changed_evidence_is_found() -> None:
    told = standing(tampered(CI.envelope(test(passed=False)), "FAILED", "PASSED"))
    assert told[0] is Standing.BROKEN
    assert "it was changed" in told[1] and "ci.pub" in told[1]


def test_a_statement_replayed_for_another_image_is_found() -> None:
    told = standing(CI.envelope(build(OTHER)))
    assert told == (
        Standing.ELSEWHERE,
        f"it is about sha256:{'e' * 12}, sha256:{'2' * 12}, and this is sha256:{'d' * 12}",
    )


def test_a_wrong_key_is_found() -> None:
    assert standing(EVE.envelope(build())) == (Standing.STRANGER, f"it is signed by {EVE.key.id[:12]}")


def test_whoever_claims_to_be_another_key_is_found() -> None:
    forged = EVE.envelope(build())
    claimed = replace(forged, signatures=(replace(forged.signatures[0], keyid=CI.key.id),))
    assert standing(claimed)[0] is Standing.BROKEN


def test_the_name_of_a_key_is_not_believed_and_not_needed() -> None:
    real = CI.envelope(build())
    assert standing(replace(real, signatures=(replace(real.signatures[0], keyid=""),)))[0] is Standing.TRUSTED


def test_nobody_has_signed_it() -> None:
    assert standing(dsse.envelope(statement.encode(build())))[0] is Standing.UNSIGNED


@pytest.mark.parametrize("payload", ["!", "e30=", dsse.packed(b'{"_type":"x"}'), dsse.packed(b"[" * 9000)])
def test_what_is_no_statement(payload: str) -> None:
    assert standing(replace(CI.envelope(build()), payload=payload))[0] is Standing.UNREADABLE


def test_another_type_of_payload_is_none() -> None:
    assert standing(replace(CI.envelope(build()), kind="text/plain"))[0] is Standing.UNREADABLE


@given(some.binary(max_size=200))
def test_any_bytes_are_an_envelope_or_told_to_be_none(data: bytes) -> None:
    try:
        dsse.decode(data)
    except ValueError as error:
        assert "no DSSE envelope" in str(error)


@given(some.integers(0, 63), some.integers(1, 255))
def test_no_other_signature_does(place: int, change: int) -> None:
    real = CI.envelope(build())
    raw = bytearray(dsse.unpacked(real.signatures[0].sig))
    raw[place] ^= change
    changed = replace(real, signatures=(replace(real.signatures[0], sig=dsse.packed(bytes(raw))),))
    assert standing(changed)[0] is Standing.BROKEN


def test_a_statement_is_read_as_it_was_written() -> None:
    assert statement.decode(statement.encode(build())) == build()


def test_what_a_build_says() -> None:
    told = json.loads(statement.encode(build()))
    assert told["predicateType"] == "https://slsa.dev/provenance/v1"
    assert told["subject"][0] == {"name": "r.example.com/shop-web", "digest": {"sha256": "d" * 64}}
    dependencies = told["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert dependencies[0]["digest"] == {"gitCommit": "a" * 40}
    assert dependencies[1] == {"uri": "docker-image://debian:12", "digest": {"sha256": "b" * 64}}
