"""Fairway's own certificate authority, for the gateways of a fleet and nobody else.

P-256, because Envoy takes no Ed25519 certificates. A host's certificate is short-lived and made anew each time, key and
all. An authority is followed by another one in three steps, each of which leaves every pair of gateways able to speak:
all trust both, then all have certificates of the new one, then all trust that one alone.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fairway.model.errors import UsageError
from fairway.model.peers import Identity, gateway_name
from fairway.model.secret import Secret

LIFETIME = timedelta(days=90)
AUTHORITY_LIFETIME = timedelta(days=3650)
RENEWED_BEFORE = 1 / 3
"""Of its lifetime: a certificate with less left is renewed."""
CLOCKS_DIFFER = timedelta(minutes=5)
CERTIFICATE, KEY = "authority.pem", "authority-key.pem"


@dataclass(frozen=True, slots=True)
class Authority:
    """Its certificate, and its key, which signs."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def create(cls, now: datetime | None = None, lifetime: timedelta = AUTHORITY_LIFETIME) -> Authority:
        """No two have one name: by the name TLS finds the signer among several that it trusts."""
        key = ec.generate_private_key(ec.SECP256R1())
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()[:12]
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Fairway, between gateways, {own}")])
        made = _builder(name, name, key.public_key(), now or datetime.now(UTC), lifetime)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        made = made.add_extension(_usage(signs_certificates=True), critical=True)
        return cls(made.sign(key, hashes.SHA256()), key)

    @classmethod
    def open(cls, directory: Path) -> Authority:
        """One that was saved. Raises UsageError where its files are missing, wrong, or do not belong together."""
        try:
            certificate = x509.load_pem_x509_certificate((directory / CERTIFICATE).read_bytes())
            key = serialization.load_pem_private_key((directory / KEY).read_bytes(), password=None)
        except (OSError, ValueError) as error:
            why = error.strerror or "" if isinstance(error, OSError) else "it is no PEM file of a certificate or a key"
            raise UsageError(f"The authority in {directory} cannot be read", why=why) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise UsageError(f"The key in {directory} does not belong to the authority's certificate")
        return cls(certificate, key)

    @classmethod
    def read(cls, text: bytes) -> Authority:
        """One from `whole`. Raises ValueError."""
        key = serialization.load_pem_private_key(text, password=None)
        certificate = x509.load_pem_x509_certificate(text)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise ValueError("the key does not belong to the certificate")
        return cls(certificate, key)

    @property
    def whole(self) -> Secret:
        """Key and certificate as one text."""
        return Secret(bytes(_pem_of_key(self.key)) + self.pem.encode())

    def save(self, directory: Path) -> None:
        """Both files for their owner alone, each whole or not there at all."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(directory / KEY, _pem_of_key(self.key))
        _write(directory / CERTIFICATE, self.pem.encode())

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue(
        self,
        host: str,
        *,
        trusting: Collection[Authority] = (),
        now: datetime | None = None,
        lifetime: timedelta = LIFETIME,
    ) -> Identity:
        """A new key and a certificate for the host's gateway, never to outlive the authority. `trusting` is whom it trusts besides."""
        now = now or datetime.now(UTC)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
        lifetime = min(lifetime, self.certificate.not_valid_after_utc - now)
        made = _builder(name, self.certificate.subject, key.public_key(), now, lifetime)
        identifier = x509.UniformResourceIdentifier(gateway_name(host))
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        made = made.add_extension(signer, critical=False)
        made = made.add_extension(x509.SubjectAlternativeName([identifier]), critical=False)
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        made = made.add_extension(_usage(signs_certificates=False), critical=True)
        made = made.add_extension(x509.ExtendedKeyUsage(both), critical=False)
        signed = made.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
        trusted = "".join(dict.fromkeys([self.pem, *(other.pem for other in trusting)]))
        return Identity(host=host, certificate=signed, key=_pem_of_key(key), trusted=trusted)

    def issued(self, certificate: x509.Certificate) -> bool:
        try:
            certificate.verify_directly_issued_by(self.certificate)
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True


def renewals(authority: Authority, certificates: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Which hosts need another certificate, and why. `certificates` has what each one shows now (PEM; empty: none)."""
    found = {host: _wrong(authority, host, pem, now) for host, pem in certificates.items()}
    return {host: why for host, why in found.items() if why}


def ending(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether so little of its lifetime is left that it has to be renewed; an authority's too."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return end - now < (end - start) * RENEWED_BEFORE


def _wrong(authority: Authority, host: str, pem: str, now: datetime) -> str:
    if not pem:
        return "it has none"
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return "it cannot be read"
    if gateway_name(host) not in names.get_values_for_type(x509.UniformResourceIdentifier):
        return "it is another host's"
    if not authority.issued(certificate):
        return "another authority has signed it"
    if certificate.not_valid_before_utc > now:
        return f"it begins at {certificate.not_valid_before_utc:%Y-%m-%d %H:%M}"
    return f"it ends at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M}" if ending(certificate, now) else ""


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - CLOCKS_DIFFER).not_valid_after(now + lifetime)
    return made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem_of_key(key: ec.EllipticCurvePrivateKey) -> Secret:
    form = serialization.PrivateFormat.PKCS8
    return Secret(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


def _write(path: Path, contents: bytes) -> None:
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(contents)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
