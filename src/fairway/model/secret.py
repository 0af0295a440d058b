"""A secret's value: a type that prints as dots, so that no message, log or label shows it by accident."""

from __future__ import annotations

from collections.abc import Iterable

DOTS = "••••"


class Secret(bytes):
    """The bytes of a secret. Whoever really needs them as text says `.decode()`."""

    def __repr__(self) -> str:
        return DOTS

    def __str__(self) -> str:
        return DOTS

    def __format__(self, spec: str) -> str:
        return format(DOTS, spec)

    def __reduce__(self) -> tuple[type[Secret], tuple[bytes]]:
        return (Secret, (bytes(self),))


def redact(text: str, values: Iterable[bytes]) -> str:
    """`text` without the secrets that somebody else's program printed. Values under four bytes would hide half of any text."""
    for value in values:
        plain = value.decode("utf-8", "replace").strip()
        if len(plain) >= 4:
            text = text.replace(plain, DOTS)
    return text
