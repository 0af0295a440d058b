"""Kinds of values in rollouts: shares, factors, holds, and what a header or a cookie has to be."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from fairway.settings.kinds import Amount, Kind, Wrong, found, pattern, seconds
from fairway.settings.yaml import Node

_PERCENT = r"[0-9]{1,3}(\.[0-9]{1,2})?"
"""As fine as a gateway's weights are: hundredths of a percent."""
_NUMBER = r"([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,2})?"
_APPROVE = "approve"


class Wait(Struct, frozen=True):
    """How long a step is held, in seconds, and whether somebody has to approve besides."""

    seconds: float = 0.0
    approve: bool = False


def percent(what: str, *, zero: bool) -> Kind:
    """`10%`, or the number 10: from 0 to 100; 0 itself where `zero` allows it."""

    def parse(node: Node) -> float:
        text = node.text.removesuffix("%") if node.kind == "text" else node.text
        readable = node.kind in ("text", "int", "float") and re.fullmatch(_PERCENT, text)
        if readable and (0 < float(text) <= 100 or (zero and not float(text))):
            return float(text)
        raise Wrong(f"must be {what}, not {found(node)}", "the finest share is 0.01%")

    low = {"minimum": 0} if zero else {"exclusiveMinimum": 0}
    text = {"type": "string", "pattern": f"^{_PERCENT}%$"}
    return Kind(what, parse, {"anyOf": [{"type": "number", **low, "maximum": 100}, text]})


def factor(low: float, high: float, what: str) -> Kind:
    """A number with or without a fraction, `low` and `high` included."""

    def parse(node: Node) -> float:
        number = _number(node)
        if number is None or not low <= number <= high:
            raise Wrong(f"must be {what}, not {found(node)}")
        return number

    return Kind(what, parse, {"type": "number", "minimum": low, "maximum": high})


def condition(what: str, expression: str) -> Kind:
    """The text that a header or a cookie has to be; None for any: nothing, or `*`."""

    def parse(node: Node) -> str | None:
        if node.kind == "null" or node.text == "*":
            return None
        if node.kind in ("list", "map") or not re.fullmatch(expression, node.text):
            raise Wrong(f"must be {what}, not {found(node)}", "`*` is any value")
        return node.text

    return Kind(what, parse, {"type": ["string", "number", "boolean", "null"]})


def _number(node: Node) -> float | None:
    readable = node.kind in ("int", "float") and len(node.text) < 20 and re.fullmatch(_NUMBER, node.text)
    return float(node.text) if readable else None


def _fraction(node: Node) -> float:
    number = _number(node)
    if node.kind == "text" and len(node.text) < 20 and re.fullmatch(rf"{_NUMBER}%", node.text):
        number = float(node.text[:-1]) / 100
    if number is None or not 0 < number < 1:
        hint = f"{node.text}% is so many percent" if node.kind == "int" and len(node.text) < 3 else ""
        raise Wrong(f"must be a share between 0% and 100%, such as 1% or 0.01, not {found(node)}", hint)
    return number


def _longer(node: Node) -> float:
    length = seconds(node.text) if node.kind == "text" else None
    if not length:
        hint = f"{node.text}s is so many seconds" if node.kind in ("int", "float") and len(node.text) < 20 else ""
        raise Wrong(f"must be a duration longer than 0, such as 30s or 1h30m, not {found(node)}", hint)
    return length


def _wait(node: Node) -> Wait:
    items = node.items if node.kind == "list" else (node,)
    words = [item for item in items if item.kind == "text" and item.text == _APPROVE]
    lengths = [_length(item) for item in items if item not in words]
    if not items or len(words) > 1 or len(lengths) > 1 or None in lengths:
        number = node.kind in ("int", "float") and len(node.text) < 20
        hint = f"{node.text}s is so many seconds" if number else "both: `[10m, approve]`"
        raise Wrong(f"must be a duration such as 2m, approve, or both of them, not {found(node)}", hint)
    return Wait(lengths[0] or 0.0 if lengths else 0.0, bool(words))


def _length(node: Node) -> float | None:
    if node.kind == "int" and not node.text.strip("+0"):
        return 0.0
    return seconds(node.text) if node.kind == "text" else None


def _fewer(node: Node) -> Amount:
    if node.kind == "text" and re.fullmatch(rf"{_PERCENT}%", node.text) and float(node.text[:-1]) <= 100:
        return Amount(percent=float(node.text[:-1]))
    if node.kind == "int" and node.text.isdecimal() and len(node.text) < 6:
        return Amount(count=int(node.text))
    raise Wrong(f"must be a number of replicas, or a share such as 25%, not {found(node)}")


def _kind(what: str, parse: Callable[[Node], Any], *schemas: dict[str, Any]) -> Kind:
    return Kind(what, parse, {"anyOf": list(schemas)})


_DURATIONS = {"type": "string", "pattern": "^([0-9]+(\\.[0-9]+)?(us|ms|s|m|h|d))+$"}
_HOLDS = {"anyOf": [_DURATIONS, {"enum": [_APPROVE, 0]}]}

TRAFFIC = percent("a share from 0% to 100%", zero=True)
SHARE = percent("a share up to 100%, such as 25%", zero=False)
FRACTION = _kind(
    "a share such as 1% or 0.01",
    _fraction,
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    {"type": "string", "pattern": f"^{_NUMBER}%$"},
)
LONGER = _kind("a duration such as 30s, longer than 0", _longer, _DURATIONS)
WAIT = _kind(
    "a duration, approve, or both: [10m, approve]",
    _wait,
    _HOLDS,
    {"type": "array", "items": _HOLDS, "minItems": 1, "maxItems": 2},
)
FEWER = _kind(
    "a number, or a share such as 25%",
    _fewer,
    {"type": "integer", "minimum": 0},
    {"type": "string", "pattern": f"^{_PERCENT}%$"},
)
COOKIE = pattern("the name of a cookie", r"[A-Za-z0-9._-]{1,100}")
HEADER = pattern(
    "the name of a header",
    r"(?![Cc][Oo][Oo][Kk][Ii][Ee]$)[A-Za-z0-9._-]{1,100}",
    "cookies: `{cookie: {NAME: VALUE}}`",
)
HEADER_VALUE = condition("what a header can be: plain characters", r"[!-~]([ -~]{0,500}[!-~])?")
COOKIE_VALUE = condition(
    "what a cookie can be: plain characters without spaces, quotes, ; and ,", r"[!#-+\--:<-\[\]-~]{1,500}"
)
