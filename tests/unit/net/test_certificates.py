"""What a certificate says, and which ones cannot be used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from msgspec.structs import replace

from fairway.model.secret import Secret
from fairway.net.certificates import new_key, placeholder, read
from tests.real.edge.authority import issue

ONE = issue("a.test", "*.b.test")


def test_names() -> None:
    facts = read(ONE)
    assert facts.names == ("a.test", "*.b.test")
    covered = {
        "a.test": True,
        "x.b.test": True,
        "*.b.test": True,
        "b.test": False,
        "x.y.b.test": False,
        "*.a.test": False,
    }
    assert {host: facts.covers(host) for host in covered} == covered
    assert read(placeholder()).names == ()


def test_it_ends_when_less_than_a_third_is_left() -> None:
    facts, now = read(issue("a.test", lasts=timedelta(days=90))), datetime.now(UTC)
    assert not facts.ending(now + timedelta(days=58))
    assert facts.ending(now + timedelta(days=60))


def pem(key: serialization.PrivateFormat, password: bytes) -> Secret:
    return Secret(
        new_key().private_bytes(serialization.Encoding.PEM, key, serialization.BestAvailableEncryption(password))
    )


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"chain": "nothing"}, "no certificate in PEM"),
        ({"key": Secret(b"nothing")}, "no private key in PEM"),
        ({"key": issue("a.test").key}, "does not belong to it"),
        ({"key": pem(serialization.PrivateFormat.PKCS8, b"secret")}, "has a password"),
        (
            {
                "key": Secret(
                    ed25519.Ed25519PrivateKey.generate().private_bytes(
                        serialization.Encoding.PEM,
                        serialization.PrivateFormat.PKCS8,
                        serialization.NoEncryption(),
                    )
                )
            },
            "neither ECDSA nor RSA",
        ),
    ],
)
def test_what_envoy_would_not_take(wrong: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(replace(ONE, **wrong))
