"""Who signs: a key in a file (which age may have encrypted), or in the environment; or a command, which is how a KMS is reached."""

from __future__ import annotations

import asyncio
import binascii
import os
import stat
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fairway.evidence import ed25519
from fairway.model.errors import KeyFailed
from fairway.model.evidence import PublicKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

AGE = (b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----")
IDENTITY = "FAIRWAY_AGE_IDENTITY"
"""The variable that names the file with the age identity."""
PATIENCE = 60.0
"""Seconds that a command may take for one signature."""
LENGTH = 64
"""Bytes of an ed25519 signature."""


class KeySigner:
    """ports.evidence.Signer with a key that this process holds."""

    def __init__(self, private: Ed25519PrivateKey, name: str) -> None:
        self._private = private
        self.key = ed25519.describe(private.public_key(), name)

    async def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


class CommandSigner:
    """ports.evidence.Signer by a command: it gets the message on its standard input, and answers with the signature (raw, or base64).

    Each answer is checked against `key`: what signs with another one is found here, and not at the next deployment.
    """

    def __init__(self, command: tuple[str, ...], key: PublicKey, directory: Path) -> None:
        self.command = command
        self.key = key
        self.directory = directory

    async def sign(self, message: bytes) -> bytes:
        """Raises KeyFailed."""
        signature = _raw(await self._ask(message))
        if signature is None or not ed25519.check(self.key, message, signature):
            raise KeyFailed(
                "The command that signs has not answered with a signature by its key",
                where=self.command[0],
                why=f"the key is {self.key}",
                hint="it gets the bytes to sign on its standard input, and answers 64 bytes, raw or in base64",
            )
        return signature

    async def _ask(self, message: bytes) -> bytes:
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=self.directory
            )
        except OSError as error:
            raise KeyFailed(f"The command that signs cannot be run: {error.strerror}", where=self.command[0]) from None
        try:
            async with asyncio.timeout(PATIENCE):
                said, wrong = await process.communicate(message)
        except TimeoutError:
            raise KeyFailed(f"The command that signs took longer than {PATIENCE:g} s", where=self.command[0]) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            what = f"The command that signs has failed (exit status {process.returncode})"
            raise KeyFailed(what, where=self.command[0], why=wrong.decode(errors="replace"))
        return said


def _raw(said: bytes) -> bytes | None:
    if len(said) == LENGTH:
        return said
    try:
        found = b64decode(said.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if len(found) == LENGTH else None


def from_file(file: Path, name: str, identity: Path | None) -> KeySigner | None:
    """None where there is no such file: not every machine signs. Raises KeyFailed where others can read it, or it is no key.

    `identity` is the file with the age identity that a key which age has encrypted is for.
    """
    try:
        with file.open("rb") as source:
            mode, content = os.fstat(source.fileno()).st_mode, source.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyFailed(f"The key cannot be read: {error.strerror}", where=name) from None
    if content.startswith(AGE):
        return KeySigner(ed25519.private(_decrypted(content, name, identity), name), name)
    if stat.S_IMODE(mode) & 0o077:
        raise KeyFailed(
            "Others can read the key", where=name, why=f"its mode is {stat.S_IMODE(mode):04o}", hint=f"chmod 600 {file}"
        )
    return KeySigner(ed25519.private(content, name), name)


def from_variable(variable: str, environ: Mapping[str, str]) -> KeySigner | None:
    """None where it is not set."""
    value = environ.get(variable)
    return KeySigner(ed25519.private(value.encode(), variable), variable) if value else None


def _decrypted(content: bytes, name: str, identity: Path | None) -> bytes:
    import pyrage

    file = identity or (Path(os.environ[IDENTITY]).expanduser() if os.environ.get(IDENTITY) else None)
    if file is None:
        hint = (
            f"name the file with the identity: `sign: {{key: {name}, identity: FILE}}`, or in the variable {IDENTITY}"
        )
        raise KeyFailed("The key is encrypted with age, and nobody says for which identity", where=name, hint=hint)
    try:
        lines = file.read_text("utf-8").splitlines()
        found = [pyrage.x25519.Identity.from_str(line.strip()) for line in lines if line.strip() and line[0] != "#"]
        return bytes(pyrage.decrypt(content, found))
    except OSError as error:
        raise KeyFailed(f"The age identity cannot be read: {error.strerror}", where=str(file)) from None
    except (pyrage.IdentityError, UnicodeDecodeError):
        raise KeyFailed("It is no age identity", where=str(file), hint="`age-keygen -o FILE` makes one") from None
    except pyrage.DecryptError as error:
        raise KeyFailed("age cannot decrypt the key", where=name, why=str(error), hint=f"is it for {file}?") from None
