"""Certificates and keys that users of the gateway are shown, as PEM: whether they can be used, for whom, and how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from msgspec import Struct

from fairway.model.edge import Certificate, Seen, mark
from fairway.model.secret import Secret

RENEWED_BEFORE = 1 / 3
"""Of its lifetime: a certificate with less left is renewed."""
PLACEHOLDER = "no certificate yet"
LIFETIME = timedelta(days=3650)
"""Of one that nobody signs."""
CLOCKS_DIFFER = timedelta(days=1)


class Facts(Struct, frozen=True):
    """What a certificate says: the names it is for, and when it counts."""

    names: tuple[str, ...]
    begins: datetime
    ends: datetime
    issuer: str = ""
    """For people: the organisation, and its name for the key that signed."""

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
    return _facts(own)


def seen(chain: str) -> Seen:
    """What a certificate says whose key is not at hand. Raises ValueError."""
    facts = _facts(x509.load_pem_x509_certificate(chain.encode()))
    begins, ends = facts.begins.timestamp(), facts.ends.timestamp()
    return Seen(names=facts.names, issuer=facts.issuer, begins=begins, ends=ends, mark=mark(chain))


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


def placeholder(called: str = PLACEHOLDER, lifetime: timedelta = LIFETIME) -> Certificate:
    """For a gateway that has none: signed by nobody, for no name."""
    key, now = new_key(), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, called)])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - min(CLOCKS_DIFFER, lifetime)).not_valid_after(now + lifetime)
    signed = made.sign(key, hashes.SHA256())
    return Certificate(chain=signed.public_bytes(serialization.Encoding.PEM).decode(), key=pem_of(key))


def _facts(own: x509.Certificate) -> Facts:
    known = (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
    said = [str(one.value) for kind in known for one in own.issuer.get_attributes_for_oid(kind)]
    return Facts(_names(own), own.not_valid_before_utc, own.not_valid_after_utc, ", ".join(dict.fromkeys(said)))


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))
