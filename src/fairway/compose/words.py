"""How messages list and suggest names."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

_MOST = 200
"""Names to compare with: a file with thousands of names may have thousands of mistakes."""


def either(words: Iterable[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *rest, last = list(words) or ["nothing"]
    return f"{', '.join(rest)} or {last}" if rest else last


def closest(name: str, names: Iterable[str]) -> str:
    """A hint that names what was probably meant, or ""."""
    from difflib import get_close_matches  # only a file with mistakes pays for it

    found = get_close_matches(name, islice(names, _MOST), n=1, cutoff=0.6)
    return f"did you mean `{found[0]}`?" if found else ""
