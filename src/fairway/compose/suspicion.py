"""Whether a variable looks like a secret: by its name, or by its value. A guess, so it is never more than a warning."""

from __future__ import annotations

import math
import re
from collections import Counter

_NAMES = re.compile(
    r"(^|[_.-])(PASS(WORD|WD|PHRASE)?|PWD|SECRETS?|TOKEN|CREDENTIALS?"
    r"|(API|ACCESS|AUTH|PRIVATE|SECRET|SIGNING|ENCRYPTION|MASTER)[_-]?KEY(_BASE)?)[0-9]*$",
    re.IGNORECASE,
)
_PUBLIC = re.compile(r"SHA|DIGEST|HASH|COMMIT|VERSION|REVISION|CHECKSUM|FINGERPRINT|PUBLIC", re.IGNORECASE)
"""Names of what is long and random, and meant to be seen."""
_SHAPES = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|AGE-SECRET-KEY-1"), "it holds a private key"),
    (re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE), "it has a password in an address"),
    (
        re.compile(r"(ghp|gho|ghs|github_pat|glpat|xox[abp]|sk_live|rk_live)[_-]\w{10,}|AKIA[0-9A-Z]{16}"),
        "it is a token",
    ),
    (re.compile(r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+"), "it is a signed token"),
)
_HARMLESS = re.compile(r"|/\S*|\.{1,2}/\S*|true|false|yes|no|on|off|none|null|[0-9]{1,5}(ms|s|m|h|d)?", re.IGNORECASE)
"""Nothing, a path, a switch, a number or a duration."""
_RANDOM = re.compile(r"[A-Za-z0-9+/_=-]{20,}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_BITS = {True: 3.0, False: 4.0}
"""Bits a character from which a value is taken for random: written in hexadecimal, or with all letters."""


def suspicion(name: str, value: str) -> str:
    """Why it is taken for a secret; empty where it is not. Nothing of the value is in it."""
    if _HARMLESS.fullmatch(value):
        return ""
    for shape, why in _SHAPES:
        if shape.search(value):
            return why
    if _NAMES.search(name):
        return "its name says so"
    return "it looks random" if not _PUBLIC.search(name) and _random(value) else ""


def _random(value: str) -> bool:
    if not _RANDOM.fullmatch(value) or _UUID.fullmatch(value) or value.isalpha() or value.isdecimal():
        return False
    hexadecimal = re.fullmatch(r"[0-9a-fA-F]+", value) is not None
    if hexadecimal and len(value) < 32:
        return False
    counts = Counter(value).values()
    bits = -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
    return bits >= _BITS[hexadecimal]


def normal(name: str) -> str:
    """`db-password` and `DB_PASSWORD` are one name."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper())
