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
