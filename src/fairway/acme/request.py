"""Signing requests, and certificates that come back."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from fairway.acme.jose import b64
from fairway.model.edge import Certificate
from fairway.model.issuance import Issued, Order
from fairway.net.certificates import read, read_key


def signing_request(order: Order) -> bytes:
    """DER. The names alone: what else is in a certificate is the authority's to say."""
    names = x509.SubjectAlternativeName([x509.DNSName(name) for name in order.names])
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(names, critical=False)
    return made.sign(read_key(order.key), hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def issued(order: Order, chain: str) -> Issued:
    """Raises ValueError where it is no certificate for what was ordered."""
    facts = read(Certificate(chain=chain, key=order.key))
    missing = [name for name in order.names if not facts.covers(name)]
    if missing:
        raise ValueError(f"it is not for {', '.join(missing)}")
    return Issued(
        directory=order.directory,
        names=order.names,
        chain=chain,
        key=order.key,
        issuer=facts.issuer,
        begins=facts.begins.timestamp(),
        ends=facts.ends.timestamp(),
    )


def certificate_id(chain: str) -> str:
    """What an authority knows a certificate by (RFC 9773, 4.1). Raises ValueError where it does not say whose it is."""
    certificate = x509.load_pem_x509_certificate(chain.encode())
    try:
        signer = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        signer = None
    if not signer:
        raise ValueError("it names no signer")
    number = certificate.serial_number
    return f"{b64(signer)}.{b64(number.to_bytes((number.bit_length() + 8) // 8))}"
