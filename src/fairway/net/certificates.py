"""Certificates and keys that users of the gateway are shown, as PEM: whether they can be used, for whom, and how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from msgspec import Struct

from fairway.model.edge import Certificate
from fairway.model.secret import Secret

RENEWED_BEFORE = 1 / 3
"""Of its lifetime: a certificate with less left is renewed."""
PLACEHOLDER = "no certificate yet"


class Facts(Struct, frozen=True):
    """What a certificate says: the names it is for, and when it counts."""

    names: tuple[str, ...]
    begins: datetime
    ends: datetime

    def covers(self, host: str) -> bool:
        """A name, or `*.name`, for which the asterisk of a certificate stands for one label."""
        return host in self.names or f"*.{host.partition('.')[2]}" in self.names

    def ending(self, now: datetime) -> bool:
        """Whether so little of its lifetime is left that it has to be renewed."""
        return self.ends - now < (self.ends - self.begins) * RENEWED_BEFORE


def read(certificate: Certificate) -> Facts:
    """Raises ValueError, with what is wrong, where Envoy would not take it."""
    try:
        chain = x509.load_pem_x509_certificates(certificate.chain.encode())
    except ValueError:
        raise ValueError("it is no certificate in PEM") from None
    own = chain[0]
    if read_key(certificate.key).public_key() != own.public_key():
        raise ValueError("the key does not belong to it")
    return Facts(_names(own), own.not_valid_before_utc, own.not_valid_after_utc)


def read_key(key: bytes) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    """Raises ValueError."""
    try:
        found = serialization.load_pem_private_key(key, password=None)
    except TypeError:
        raise ValueError("the key has a password") from None
    except ValueError:
        raise ValueError("the key is no private key in PEM") from None
    if not isinstance(found, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ValueError("the key is neither ECDSA nor RSA")
    return found


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem_of(key: ec.EllipticCurvePrivateKey) -> Secret:
    form = serialization.PrivateFormat.PKCS8
    return Secret(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


def placeholder() -> Certificate:
    """For a gateway that has none: signed by nobody, for no name."""
    key, now = new_key(), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, PLACEHOLDER)])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=3650))
    signed = made.sign(key, hashes.SHA256())
    return Certificate(chain=signed.public_bytes(serialization.Encoding.PEM).decode(), key=pem_of(key))


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))
