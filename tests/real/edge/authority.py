"""Certificates for tests, from an authority that nobody else trusts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from fairway.model.edge import Certificate
from fairway.net.certificates import new_key, pem_of

_KEY = new_key()
_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority for tests")])


def issue(*names: str, begins: timedelta = timedelta(days=-1), lasts: timedelta = timedelta(days=90)) -> Certificate:
    """`begins` is from now; each has a key, and a serial number, of its own."""
    key, start = new_key(), datetime.now(UTC) + begins
    made = x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
    made = made.issuer_name(_NAME).public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(start).not_valid_after(start + lasts)
    alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    signed = made.add_extension(alternative, critical=False).sign(_KEY, hashes.SHA256())
    return Certificate(chain=signed.public_bytes(serialization.Encoding.PEM).decode(), key=pem_of(key))


def serial(certificate: Certificate) -> int:
    return x509.load_pem_x509_certificate(certificate.chain.encode()).serial_number
