"""What one value means: durations in seconds, sizes in bytes, truth values, numbers, file modes. Each raises ValueError."""

from __future__ import annotations

import math
import re

from fairway.compose.node import Node

_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
}
_PART = re.compile(r"(\d{1,30}(?:\.\d{1,30})?|\.\d{1,30})(ns|us|µs|μs|ms|s|m|h|d|w)")
_SIZE = re.compile(r"(\d{1,30}(?:\.\d{1,30})?) ?([kmgtp]?)(?:i?b)?")
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_TRUE = frozenset(("true", "yes", "y", "on", "t", "1"))
_FALSE = frozenset(("false", "no", "n", "off", "f", "0"))


def text(node: Node) -> str:
    """A scalar as a string, as Compose writes it: true, 1.5, and "" for nothing."""
    value = node.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        raise ValueError("expected one value")
    if isinstance(value, float):
        return _float(value)
    return str(value)


def _float(value: float) -> str:
    if not math.isfinite(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return str(value)


def duration(node: Node) -> float:
    """`1h5m30s20ms500us` in seconds; 0 needs no unit."""
    written = text(node).strip()
    if written == "0":
        return 0.0
    parts = list(_PART.finditer(written))
    if not parts or "".join(part[0] for part in parts) != written:
        raise ValueError(f"`{written}` is no duration: write it like 1m30s or 500ms")
    return math.fsum(float(number) * _UNITS[unit] for number, unit in (part.groups() for part in parts))


def size(node: Node) -> int:
    """`1gb`, `512m`, `64k`, `100` in bytes; units are powers of 1024. -1 stands for no limit where one may be given."""
    written = text(node).strip().lower()
    if written == "-1":
        return -1
    found = _SIZE.fullmatch(written)
    if not found:
        raise ValueError(f"`{text(node)}` is no size: write it like 512m or 1gb")
    number, power = float(found[1]), 1024 ** _POWERS[found[2]]
    return int(found[1]) * power if "." not in found[1] else int(number * power)


def flag(node: Node) -> bool:
    if isinstance(node.value, bool):
        return node.value
    written = text(node).strip().lower()
    if written in _TRUE:
        return True
    if written in _FALSE:
        return False
    raise ValueError(f"`{text(node)}` is neither true nor false")


def whole(node: Node) -> int:
    written = text(node).strip()
    if not re.fullmatch(r"[-+]?\d{1,30}", written):
        raise ValueError(f"`{written}` is no whole number")
    return int(written)


def number(node: Node) -> float:
    written = text(node).strip()
    try:
        value = float(written)
    except ValueError:
        raise ValueError(f"`{written}` is no number") from None
    if not math.isfinite(value):
        raise ValueError(f"`{written}` is no number")
    return value


def mode(node: Node) -> int:
    """Permission bits: `0440`, `0o440` and "440" are octal; a plain 288 is the number itself."""
    written = (node.text or text(node)).strip()
    octal = isinstance(node.value, str) or re.fullmatch(r"0[0-7]+", written)
    digits = written.removeprefix("0o")
    if octal and re.fullmatch(r"[0-7]{1,7}", digits):
        return int(digits, 8)
    if octal:
        raise ValueError(f"`{written}` is no file mode: write it like 0440")
    return whole(node)
