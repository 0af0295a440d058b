"""What a single value in fairway.yaml may be: text, a port, a duration … Each kind reads a node, and describes itself."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import ceil
from typing import Any

from fairway.settings.yaml import Node

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = r"([0-9]+(\.[0-9]+)?(us|ms|s|m|h|d))+"
_PERCENT = r"[0-9]{1,3}(\.[0-9]+)?%"
_SCALARS = ("text", "int", "float", "bool")


class Wrong(ValueError):
    """`node` is not what its kind wants; `key` is its own path below the node that was read; `more` is wrong besides."""

    def __init__(
        self, what: str, hint: str = "", *, node: Node | None = None, key: str | None = None, more: Sequence[Wrong] = ()
    ) -> None:
        super().__init__(what)
        self.hint = hint
        self.node = node
        self.key = key
        self.more = tuple(more)


@dataclass(frozen=True, slots=True)
class Kind:
    """`what` completes "must be …"; `parse` raises Wrong; `schema` is the kind in JSON Schema's words."""

    what: str
    parse: Callable[[Node], Any]
    schema: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of replicas, or a share of them."""

    count: int = 0
    percent: float = 0.0

    def of(self, replicas: int) -> int | None:
        """How many of `replicas`, at least one; None where that is all of them."""
        some = max(self.count, ceil(replicas * self.percent / 100), 1)
        return None if self.percent >= 100 else some

    def within(self, replicas: int) -> int:
        """How many of `replicas`, at most: a share is rounded down."""
        return self.count or int(replicas * self.percent / 100)


def found(node: Node) -> str:
    """What was written instead, in a few words."""
    if node.kind in ("list", "map"):
        return f"a {'mapping' if node.kind == 'map' else 'list'}"
    if node.kind == "null":
        return "nothing"
    printable = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in node.text[:41])
    text = printable if len(printable) <= 40 else f"{printable[:40]}…"
    return {"int": f"the number {text}", "float": f"the number {text}"}.get(node.kind, f"`{text}`")


def pattern(what: str, expression: str, hint: str = "") -> Kind:
    """Text that the whole of `expression` matches; it is compiled when it is needed, which keeps the start fast."""

    def parse(node: Node) -> str:
        if node.kind not in _SCALARS or not re.fullmatch(expression, node.text):
            raise Wrong(f"must be {what}, not {found(node)}", hint)
        return node.text

    return Kind(what, parse, {"type": "string", "pattern": f"^({expression})$"})


def choice(*values: str, later: tuple[str, ...] = ()) -> Kind:
    """One of `values`. Those of `later` are known words that this version cannot honour yet."""
    what = f"one of {', '.join(values)}" if len(values) > 1 else values[0]

    def parse(node: Node) -> str:
        if node.kind == "text" and node.text in later:
            raise Wrong(f"`{node.text}` is not in this version of Fairway", f"use {what}")
        if node.kind != "text" or node.text not in values:
            raise Wrong(f"must be {what}, not {found(node)}")
        return node.text

    return Kind(what, parse, {"enum": list(values)})


def flagged(*values: str) -> Kind:
    """Some of `values`, in a list or one alone; `true` is all of them, and `false` is none."""
    what = f"true, false, or some of {', '.join(values)}"

    def parse(node: Node) -> tuple[str, ...]:
        if node.kind == "bool":
            return values if _flag(node) else ()
        items = node.items if node.kind == "list" else [node]
        for item in items:
            if item.kind != "text" or item.text not in values:
                raise Wrong(f"must be {what}, not {found(item)}", node=item)
        return tuple(value for value in values if value in {item.text for item in items})

    one = {"enum": list(values)}
    return Kind(what, parse, {"anyOf": [{"type": "boolean"}, one, {"type": "array", "items": one}]})


def whole(low: int, high: int, what: str) -> Kind:
    """A number without a fraction, `low` and `high` included."""

    def parse(node: Node) -> int:
        digits = node.text.removeprefix("+")
        if node.kind != "int" or not digits.isdecimal() or len(digits) > 18 or not low <= int(digits) <= high:
            quoted = "write it without quotes" if node.kind == "text" and digits.isdecimal() else ""
            raise Wrong(f"must be {what}, not {found(node)}", quoted)
        return int(digits)

    return Kind(what, parse, {"type": "integer", "minimum": low, "maximum": high})


def seconds(text: str) -> float | None:
    """`1h30m` in seconds; None where `text` is no duration."""
    if not re.fullmatch(_DURATION, text) or len(text) > 40:
        return None
    parts = re.findall(r"([0-9.]+)([a-z]+)", text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _text(node: Node) -> str:
    if node.kind != "text" or not node.text.strip():
        quoted = "put it in quotes" if node.kind in ("int", "float", "bool") else ""
        raise Wrong(f"must be text, not {found(node) if node.text or node.kind != 'text' else 'empty'}", quoted)
    return node.text


def _flag(node: Node) -> bool:
    if node.kind != "bool":
        raise Wrong(f"must be true or false, not {found(node)}")
    return node.text.lower() == "true"


def _seconds(node: Node) -> float:
    length = seconds(node.text) if node.kind == "text" else None
    if length is None and node.kind == "int" and not node.text.strip("+0"):
        return 0.0
    if length is None:
        hint = f"{node.text}s is so many seconds" if node.kind in ("int", "float") and len(node.text) < 20 else ""
        raise Wrong(f"must be a duration such as 30s or 1h30m, not {found(node)}", hint)
    return length


def _amount(node: Node) -> Amount:
    if node.kind == "text" and node.text == "all":
        return Amount(percent=100)
    if node.kind == "text" and re.fullmatch(_PERCENT, node.text) and 0 < float(node.text[:-1]) <= 100:
        return Amount(percent=float(node.text[:-1]))
    if node.kind == "int" and node.text.isdecimal() and len(node.text) < 6 and int(node.text) > 0:
        return Amount(count=int(node.text))
    raise Wrong(f"must be a number of replicas from 1, a share such as 25%, or all, not {found(node)}")


def _command(node: Node) -> tuple[str, ...]:
    if node.kind == "list":
        for index, item in enumerate(node.items):
            if item.kind not in _SCALARS:
                raise Wrong(f"must be text, not {found(item)}", node=item, key=str(index))
        words = tuple(item.text for item in node.items)
    elif node.kind == "text":
        try:
            words = tuple(shlex.split(node.text))
        except ValueError as error:
            raise Wrong(f"cannot be split into words: {error}", "write it as a list of words") from error
    else:
        raise Wrong(f"must be a command (text, or a list of words), not {found(node)}")
    if not words:
        raise Wrong("must be a command, not empty", "write what is to run")
    return words


def _variables(node: Node) -> Mapping[str, str]:
    if node.kind == "map":
        pairs = [(name, item) for name, item in node.entries.items()]
    elif node.kind == "list" and all(item.kind == "text" for item in node.items):
        pairs = [(item.text.partition("=")[0], item) for item in node.items]
    else:
        raise Wrong(f"must be variables (NAME: value, or a list of NAME=value), not {found(node)}")
    result: dict[str, str] = {}
    for name, item in pairs:
        if not re.fullmatch(r"[^\s=\0]+", name):
            raise Wrong(f"`{name[:40]}` is no name for a variable", node=item, key=name[:40])
        if node.kind == "map" and item.kind not in _SCALARS:
            raise Wrong(f"must be a value, not {found(item)}", 'write "" for an empty one', node=item, key=name)
        if node.kind == "list" and "=" not in item.text:
            raise Wrong(f"`{name[:40]}` has no value", "write `NAME=value`", node=item)
        result[name] = item.text if node.kind == "map" else item.text.partition("=")[2]
    return result


def _date(node: Node) -> date:
    try:
        if node.kind == "text" and re.fullmatch(r"\d{4}-\d{2}-\d{2}", node.text, re.ASCII):
            return date.fromisoformat(node.text)
    except ValueError:
        pass
    raise Wrong(f"must be a date such as 2027-01-31, not {found(node)}")


TEXT = Kind("text", _text, {"type": "string", "minLength": 1})
FLAG = Kind("true or false", _flag, {"type": "boolean"})
DURATION = Kind("a duration such as 30s or 1h30m", _seconds, {"type": "string", "pattern": f"^({_DURATION}|0)$"})
DATE = Kind("a date such as 2027-01-31", _date, {"type": "string", "format": "date"})
AMOUNT = Kind(
    "a number, a share such as 25%, or all",
    _amount,
    {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": f"^({_PERCENT}|all)$"}]},
)
COMMAND = Kind(
    "a command: text, or a list of words",
    _command,
    {"anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]},
)
VARIABLES = Kind(
    "variables: NAME: value, or a list of NAME=value",
    _variables,
    {
        "anyOf": [
            {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
            {"type": "array", "items": {"type": "string", "pattern": "^[^\\s=]+="}},
        ]
    },
)
