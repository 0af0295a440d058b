"""Keys as files have them: ed25519 in PEM. `cryptography` is imported where it is used: it would cost every command 40 ms."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from fairway.model.errors import KeyFailed, UsageError
from fairway.model.evidence import PublicKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def check(key: PublicKey, message: bytes, signature: bytes) -> bool:
    """Whether the signature over the message is that key's: `attest.weigh.Check`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def generate(file: Path) -> PublicKey:
    """Write a new pair: `file` (0600) and `file`.pub. Raises UsageError where one of them is there already, or cannot be written."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    shown = file.with_name(f"{file.name}.pub")
    if shown.exists():
        raise UsageError(f"{shown} is there already", hint="name another file, or remove both first")
    _write(file, pem, 0o600)
    _write(shown, public, 0o644)
    return describe(private.public_key(), str(shown))


def _write(file: Path, content: bytes, mode: int) -> None:
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
            out.write(content)
    except FileExistsError:
        raise UsageError(f"{file} is there already", hint="name another file: a key is never overwritten") from None
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error


def public(pem: bytes, name: str) -> PublicKey:
    """Raises KeyFailed. `name` is what people call the key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        found = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        hint = "a public key in PEM begins with -----BEGIN PUBLIC KEY-----"
        raise KeyFailed("It is no public key", where=name, why=str(error), hint=hint) from None
    if not isinstance(found, Ed25519PublicKey):
        raise KeyFailed("It is no ed25519 key", where=name, hint="`fairway evidence keygen FILE` makes one")
    return describe(found, name)


def private(pem: bytes, name: str) -> Ed25519PrivateKey:
    """Raises KeyFailed, whose words never hold a part of the key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        found = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        hint = "`fairway evidence keygen FILE` makes one; a password is not asked for: encrypt the file with age"
        raise KeyFailed("It is no private key in PEM without a password", where=name, hint=hint) from None
    if not isinstance(found, Ed25519PrivateKey):
        raise KeyFailed("It is no ed25519 key", where=name, hint="`fairway evidence keygen FILE` makes one")
    return found


def describe(key: Ed25519PublicKey, name: str) -> PublicKey:
    from cryptography.hazmat.primitives import serialization

    whole = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return PublicKey(name, hashlib.sha256(whole).hexdigest(), raw)


def read_public(file: Path, name: str) -> PublicKey:
    """Raises KeyFailed where there is no such key."""
    try:
        return public(file.read_bytes(), name)
    except OSError as error:
        hint = "the path is relative to fairway.yaml; `fairway evidence keygen FILE` writes FILE.pub, too"
        raise KeyFailed(f"The key cannot be read: {error.strerror}", where=name, hint=hint) from None
