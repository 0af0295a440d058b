"""What ACME signs requests with: JSON Web Signatures (RFC 7515) by an ES256 key."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from fairway.model.secret import Secret
from fairway.net.certificates import new_key, pem_of

SIZE = 32
"""Bytes of a number on the curve P-256."""


def b64(data: bytes) -> str:
    """base64url without padding, as all of ACME has it."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64(text: str) -> bytes:
    """Raises ValueError."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class AccountKey:
    """The key of an account, from its PEM text, or a new one."""

    def __init__(self, pem: Secret | None = None) -> None:
        key = serialization.load_pem_private_key(bytes(pem), password=None) if pem else new_key()
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key

    @property
    def pem(self) -> Secret:
        return pem_of(self._key)

    @property
    def jwk(self) -> dict[str, str]:
        """The public key (RFC 7517)."""
        public = self._key.public_key().public_numbers()
        return {"crv": "P-256", "kty": "EC", "x": b64(public.x.to_bytes(SIZE)), "y": b64(public.y.to_bytes(SIZE))}

    @property
    def thumbprint(self) -> str:
        """RFC 7638: of the public key's members, in the order of their names."""
        return b64(hashlib.sha256(_json(self.jwk)).digest())

    def sign(self, protected: Mapping[str, Any], payload: Mapping[str, Any] | None) -> dict[str, str]:
        """`payload` None: the request reads (POST-as-GET)."""
        head = b64(_json({"alg": "ES256", **protected}))
        body = "" if payload is None else b64(_json(payload))
        r, s = decode_dss_signature(self._key.sign(f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256())))
        return {"protected": head, "payload": body, "signature": b64(r.to_bytes(SIZE) + s.to_bytes(SIZE))}


def binding(jwk: Mapping[str, str], kid: str, hmac_key: bytes, url: str) -> dict[str, str]:
    """That a customer of the authority, `kid`, asks for the account (RFC 8555, 7.3.4)."""
    head, body = b64(_json({"alg": "HS256", "kid": kid, "url": url})), b64(_json(jwk))
    signature = hmac.digest(hmac_key, f"{head}.{body}".encode(), "sha256")
    return {"protected": head, "payload": body, "signature": b64(signature)}


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
