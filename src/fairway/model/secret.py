"""A secret's value: a type that prints as dots, so that no message, log or label shows it by accident."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from msgspec import Struct

DOTS = "••••"


class Secret(bytes):
    """The bytes of a secret. Whoever really needs them as text says `.decode()`.

    `number` is its version in the store that it is from; empty where that counts none.
    """

    number: str

    def __new__(cls, value: bytes = b"", number: str = "") -> Secret:
        made = super().__new__(cls, value)
        made.number = number
        return made

    def __repr__(self) -> str:
        return DOTS

    def __str__(self) -> str:
        return DOTS

    def __format__(self, spec: str) -> str:
        return format(DOTS, spec)

    def __reduce__(self) -> tuple[type[Secret], tuple[bytes, str]]:
        return (Secret, (bytes(self), self.number))


class Entry(Struct, frozen=True, kw_only=True):
    """One version of a secret in its store, without its value. What the store does not know is empty.

    `at` is ISO 8601 UTC, `by` user@machine. `state`: empty where the value can be had; removed, deleted, destroyed.
    """

    name: str
    number: str = ""
    at: str = ""
    by: str = ""
    state: str = ""


class Recipient(Struct, frozen=True):
    """Who can read an age file: `key` is age1… or a public SSH key without its comment; `name` is for people."""

    key: str
    name: str = ""


def identity(environment: str, name: str, value: bytes) -> str:
    """What a release pins: salted and slow, so that a short secret cannot be guessed from the ledger. `environment` is its key."""
    salt = f"{environment}/{name}".encode()
    return hashlib.scrypt(value, salt=salt, n=2**14, r=8, p=1, dklen=16).hex()


SHORTEST = 4
"""Characters: a shorter value would hide half of any text."""


def redact(text: str, values: Iterable[bytes]) -> str:
    """`text` without the secrets that somebody else's program printed, nor single lines of those that have several."""
    for value in values:
        whole = value.decode("utf-8", "replace").strip()
        for part in (whole, *(line.strip() for line in whole.splitlines())):
            if len(part) >= SHORTEST:
                text = text.replace(part, DOTS)
    return text
