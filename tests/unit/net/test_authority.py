"""Certificates for gateways: what is in them, who may read the files, and when another one is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from fairway.model.errors import UsageError
from fairway.model.peers import Identity
from fairway.net.authority import AUTHORITY_LIFETIME, LIFETIME, Authority, ending, renewals

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create(NOW)


def parsed(identity: Identity) -> x509.Certificate:
    return x509.load_pem_x509_certificate(identity.certificate.encode())


def test_a_certificate_says_which_gateway_it_is_and_serves_both_ends(authority: Authority) -> None:
    made = parsed(authority.issue("web 1", now=NOW))
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == ["spiffe://fairway/gateway/web%201"]
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert len(list(usage)) == 2
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert authority.issued(made)


def test_each_certificate_has_a_key_of_its_own_and_no_text_shows_it(authority: Authority) -> None:
    one, two = authority.issue("a", now=NOW), authority.issue("a", now=NOW)
    assert bytes(one.key) != bytes(two.key)
    assert b"PRIVATE" in bytes(one.key)
    for text in (repr(one), str(one), repr(authority), one.certificate, one.trusted):
        assert "PRIVATE" not in text
        assert bytes(one.key).splitlines()[1].decode() not in text


def test_an_authority_is_kept_for_its_owner_alone_and_opened_again(authority: Authority, tmp_path: Path) -> None:
    place = tmp_path / "authority"
    authority.save(place)
    authority.save(place)
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o600}
    assert len(list(place.iterdir())) == 2
    opened = Authority.open(place)
    assert opened.pem == authority.pem
    assert opened.issued(parsed(authority.issue("a", now=NOW)))


def test_files_that_are_missing_wrong_or_of_two_authorities_are_refused(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        Authority.open(tmp_path)
    authority.save(tmp_path)
    Authority.create(NOW).save(tmp_path / "other")
    (tmp_path / "authority.pem").write_bytes((tmp_path / "other" / "authority.pem").read_bytes())
    with pytest.raises(UsageError, match="does not belong"):
        Authority.open(tmp_path)
    (tmp_path / "authority-key.pem").write_text("-----BEGIN nonsense")
    with pytest.raises(UsageError, match="cannot be read") as error:
        Authority.open(tmp_path)
    assert "nonsense" not in f"{error.value} {error.value.why}"


def test_a_certificate_is_due_when_a_third_of_its_time_is_left(authority: Authority) -> None:
    shown = {"a": authority.issue("a", now=NOW).certificate}
    assert renewals(authority, shown, NOW) == {}
    assert renewals(authority, shown, NOW + LIFETIME * 0.65) == {}
    assert "ends at 2030-04-01" in renewals(authority, shown, NOW + LIFETIME * 0.68)["a"]
    assert "ends" in renewals(authority, shown, NOW + LIFETIME * 2)["a"]


def test_what_else_makes_a_certificate_due(authority: Authority) -> None:
    a, other = authority.issue("a", now=NOW).certificate, Authority.create(NOW)
    shown = {
        "none": "",
        "broken": "-----BEGIN CERTIFICATE-----",
        "b": a,
        "c": other.issue("c", now=NOW).certificate,
        "d": authority.issue("d", now=NOW + timedelta(days=1)).certificate,
        "right": authority.issue("right", now=NOW).certificate,
    }
    assert renewals(authority, shown, NOW) == {
        "none": "it has none",
        "broken": "it cannot be read",
        "b": "it is another host's",
        "c": "another authority has signed it",
        "d": "it begins at 2030-01-01 23:55",
    }


def test_an_authority_ends_too_and_no_certificate_outlives_it() -> None:
    old = Authority.create(NOW - AUTHORITY_LIFETIME * 0.9)
    assert ending(old.certificate, NOW)
    short = Authority.create(NOW, lifetime=timedelta(days=1))
    made = parsed(short.issue("a", now=NOW))
    assert made.not_valid_after_utc <= short.certificate.not_valid_after_utc


def test_an_authority_is_followed_by_another_that_is_trusted_first(authority: Authority) -> None:
    following = Authority.create(NOW)
    before = authority.issue("a", now=NOW, trusting=(following,))
    after = following.issue("a", now=NOW, trusting=(authority,))
    assert before.trusted == authority.pem + following.pem
    assert set(after.trusted.split("-----END CERTIFICATE-----\n")) == set(
        before.trusted.split("-----END CERTIFICATE-----\n")
    )
    assert authority.issued(parsed(before))
    assert not authority.issued(parsed(after))


def test_of_two_authorities_a_certificate_tells_which_one_signed_it(authority: Authority) -> None:
    """By name and by key: a gateway that trusts both would else look for a signature at the wrong one."""
    other, made = Authority.create(NOW), parsed(authority.issue("a", now=NOW))
    assert other.certificate.subject != authority.certificate.subject == made.issuer
    signer = made.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    own = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert signer == own


def test_keys_are_of_the_curve_that_envoy_takes(authority: Authority) -> None:
    key = parsed(authority.issue("a", now=NOW)).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
