"""The official Compose schema, applied to nodes, with short messages.

It is read by a small interpreter of the few keywords that it uses, for three reasons: importing jsonschema takes longer
than loading a project, its messages about `oneOf` name every branch, and nodes know their places. In this schema each
branch of a `oneOf` takes another type, so the value's type says which branch was meant.
A test holds the verdicts of both against each other.
"""

from __future__ import annotations

import json
import math
import pkgutil
import re
from collections.abc import Hashable
from functools import cache
from typing import Any

from msgspec import Struct

from fairway.compose.node import Node, plain
from fairway.compose.problems import Problems
from fairway.compose.words import closest, either
from fairway.model.app import Path

_TYPES = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
_COLLECTIONS: dict[type, str] = {list: "array", dict: "object"}
_DURATIONS = frozenset(
    ("interval", "timeout", "start_period", "start_interval", "stop_grace_period", "delay", "monitor", "window")
)

_WRITTEN = {
    "container_name": "use letters, digits, `_`, `.` and `-`, two or more of them, and begin with a letter or a digit",
    "pull_policy": "one of always, never, missing, build, daily, weekly, or like every_12h",
}
"""What a pattern asks for, in words."""


@cache
def schema() -> dict[str, Any]:
    """The schema as vendored (see docs/decisions/0002-compose-schema.md)."""
    loaded: dict[str, Any] = json.loads(pkgutil.get_data("fairway.data", "compose-spec.json") or b"{}")
    return loaded


def validate(document: Node, problems: Problems) -> Node:
    """The document without what the schema refuses, each told in `problems`.

    Required fields are not asked for here: one file of several may leave to another what the whole must have.
    """
    cleaned = _Validator(schema(), problems).clean(schema(), document, ())
    return cleaned or document.put({})


def field_names(*pointer: str) -> frozenset[str]:
    """The fields that the definition of this name has: `field_names("service")`."""
    shape = _Validator(schema(), Problems()).shape(schema()["$defs"][pointer[0]])
    return frozenset(shape.properties)


class _Shape(Struct, frozen=True):
    """A mapping's schema with its references and `allOf` resolved."""

    properties: dict[str, Any]
    patterns: tuple[tuple[re.Pattern[str], Any], ...]
    closed: bool


_SHAPES: dict[int, _Shape] = {}
"""By the identity of the rule: the schema is read once and kept."""


class _Validator:
    def __init__(self, root: dict[str, Any], problems: Problems) -> None:
        self._definitions = root["$defs"]
        self._problems = problems

    def clean(self, rule: Any, node: Node, path: Path) -> Node | None:
        """The node without what is wrong in it; None where nothing is left. A node to reset is nobody's value yet."""
        if node.tag == "reset":
            return node
        if node.tag == "spoilt":
            self._problems.spoil(path)
            return None
        branch = self._branch(rule, node)
        if branch is None:
            self._refuse(node, path, *self._mismatch(rule, node, path))
            return None
        if fault := _scalar_fault(branch, node):
            self._refuse(node, path, fault, _WRITTEN.get(path[-1], "") if "pattern" in branch else "")
            return None
        if isinstance(node.value, dict):
            return self._clean_mapping(branch, node, path)
        if isinstance(node.value, list):
            return self._clean_list(branch, node, path)
        return node

    def _refuse(self, node: Node, path: Path, what: str, hint: str = "") -> None:
        self._problems.add(what, node.at, path, hint)
        self._problems.spoil(path)

    def _resolve(self, rule: Any) -> Any:
        while "$ref" in rule:
            rule = self._definitions[rule["$ref"].removeprefix("#/$defs/")]
        return rule

    def _branches(self, rule: Any) -> list[Any]:
        rule = self._resolve(rule)
        if "oneOf" not in rule:
            return [rule]
        return [branch for option in rule["oneOf"] for branch in self._branches(option)]

    def _types(self, rule: Any) -> list[str]:
        types = rule.get("type") or ("object" if "allOf" in rule else list(_TYPES))
        return [types] if isinstance(types, str) else list(types)

    def _branch(self, rule: Any, node: Node) -> Any | None:
        kinds = _kinds(node)
        return next((one for one in self._branches(rule) if not kinds.isdisjoint(self._types(one))), None)

    def _mismatch(self, rule: Any, node: Node, path: Path) -> tuple[str, str]:
        types = [_TYPES[kind] for branch in self._branches(rule) for kind in self._types(branch)]
        what = f"expected {either(dict.fromkeys(types))}, got {_shown(node)}"
        number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
        if number and "a string" in types:
            return what, f"write `{node.text}s`" if path[-1] in _DURATIONS else f'write "{node.text}"'
        if node.value is None and "a mapping" in types:
            return what, "indent what belongs to it, or leave it out"
        return what, "leave the field out, or give it a value" if node.value is None else ""

    def _clean_list(self, rule: Any, node: Node, path: Path) -> Node:
        elements: list[Node] = []
        seen: set[Hashable] = set()
        for index, element in enumerate(node.elements):
            place = (*path, str(index))
            cleaned = self.clean(rule["items"], element, place) if "items" in rule else element
            if cleaned and rule.get("uniqueItems"):
                value = _comparable(plain(cleaned))
                if value in seen:
                    self._refuse(element, place, f"{_shown(element)} is listed twice")
                    continue
                seen.add(value)
            if cleaned:
                elements.append(cleaned)
        return Node(elements, node.at, node.tag)

    def _clean_mapping(self, rule: Any, node: Node, path: Path) -> Node:
        shape = self.shape(rule)
        entries: dict[str, Node] = {}
        for key, child in node.entries.items():
            place = (*path, key)
            below = shape.properties.get(key)
            if below is None:
                below = next((value for pattern, value in shape.patterns if pattern.search(key)), None)
            if below is None and shape.closed:
                self._refuse(child, place, *_unknown(key, shape))
            elif cleaned := self.clean(below or {}, child, place):
                entries[key] = cleaned
        options = [name for option in rule.get("anyOf", ()) for name in option["required"]]
        if options and not any(name in node.entries for name in options):
            self._problems.add(f"needs {either(f'`{name}`' for name in options)}", node.at, path)
        return Node(entries, node.at, node.tag)

    def shape(self, rule: Any) -> _Shape:
        if id(rule) not in _SHAPES:
            parts = [rule, *(self._resolve(part) for part in rule.get("allOf", ()))]
            properties = {key: value for part in parts for key, value in part.get("properties", {}).items()}
            patterns = {key: value for part in parts for key, value in part.get("patternProperties", {}).items()}
            compiled = tuple((re.compile(key.replace("$", r"\Z")), value) for key, value in patterns.items())
            closed = rule.get("additionalProperties") is False or rule.get("unevaluatedProperties") is False
            _SHAPES[id(rule)] = _Shape(properties, compiled, closed)
        return _SHAPES[id(rule)]


def _kinds(node: Node) -> set[str]:
    value = node.value
    if isinstance(value, bool):
        return {"boolean"}
    if isinstance(value, int):
        return {"integer", "number"}
    if isinstance(value, float):
        return {"number", "integer"} if math.isfinite(value) and value.is_integer() else {"number"}
    return {"null" if value is None else "string" if isinstance(value, str) else _COLLECTIONS[type(value)]}


def _comparable(value: Any) -> Hashable:
    """Equal for what JSON Schema calls equal: 1 and 1.0 are, 1 and true are not, and a mapping has no order."""
    if isinstance(value, dict):
        return frozenset((key, _comparable(child)) for key, child in value.items())
    if isinstance(value, list):
        return tuple(_comparable(child) for child in value)
    return isinstance(value, bool), value


def _scalar_fault(rule: Any, node: Node) -> str:
    value = node.value
    if "enum" in rule and value not in rule["enum"]:
        return f"{_shown(node)} is not {either(f'`{one}`' for one in rule['enum'])}"
    if isinstance(value, str) and not re.search(rule.get("pattern", ""), value):
        return f"{_shown(node)} is not of the right form"
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = rule.get("minimum", -math.inf), rule.get("maximum", math.inf)
        if value < low:
            return f"{value} is below {low}"
        if value > high:
            return f"{value} is above {high}"
    return ""


def _unknown(key: str, shape: _Shape) -> tuple[str, str]:
    if not shape.properties:
        return f"`{key}` is no valid name", "use letters, digits, `.`, `_` and `-`"
    return f"unknown field `{key}`", closest(key, shape.properties)


def _shown(node: Node) -> str:
    """A value in a message: small scalars as they are, the rest by kind."""
    value = node.value
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        line = value.split("\n", 1)[0]
        return f"`{line}`" if len(line) <= 40 else f"`{line[:40]}…`"
    return f"the number {node.text or value}"
