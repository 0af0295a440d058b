"""YAML text → nodes with places, by YAML 1.2's core schema: `yes` is a string, `0o17` is 15, and `22:22` no number.

Built from libyaml's events and not from its nodes: its node composer recurses in C and crashes on deep nesting.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

import yaml

from fairway.compose import faults
from fairway.compose.node import Node, Scalar, walk
from fairway.compose.problems import Problems
from fairway.model.app import Location

_DEEPEST = 100
_LARGEST = 100_000
_TAGS = {"!reset": "reset", "!override": "override"}
_STANDARD = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?[0-9]{1,40}|0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def parse(text: str, file: str, problems: Problems) -> list[Node]:
    """The documents of a file, each a mapping. What is wrong goes to `problems`; a file that is no YAML gives []."""
    try:
        documents = _Composer(text.removeprefix("\ufeff"), file, problems).documents()
    except _Stop:
        return []
    except yaml.MarkedYAMLError as error:
        faults.tell(error, text, file, problems)
        return []
    except (yaml.YAMLError, UnicodeError) as error:
        problems.add(f"not valid YAML: {str(error).splitlines()[0]}", Location(file))
        return []
    for document in documents:
        if next(islice(walk(document), _LARGEST, None), None):
            problems.add(f"too large: more than {_LARGEST} values when its aliases are expanded", document.at)
            return []
    return documents


def resolve(text: str) -> Scalar:
    """What a plain scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if _FLOAT.fullmatch(text) and not text.lstrip("+-").isdecimal():
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


class _Stop(Exception):
    """Nothing more can be made of this file; its problem has been told."""


class _Composer:
    def __init__(self, text: str, file: str, problems: Problems) -> None:
        self._file = file
        self._problems = problems
        self._anchors: dict[str, Node] = {}
        loader = yaml.CLoader(text)
        self._next = loader.get_event
        self._peek = loader.peek_event

    def documents(self) -> list[Node]:
        found = []
        while not isinstance(self._peek(), yaml.StreamEndEvent):
            event = self._next()
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors = {}
                node = self._node(0)
                if node.value is None:
                    node = node.put({})
                if not isinstance(node.value, dict):
                    self._problems.add(
                        "a Compose file is a mapping, and this is not", node.at, hint="begin with `services:`"
                    )
                    raise _Stop
                found.append(node)
        return found

    def _at(self, event: Any) -> Location:
        return Location(self._file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _node(self, depth: int) -> Node:
        event: Any = self._next()
        at = self._at(event)
        if depth > _DEEPEST:
            self._problems.add(f"nested more than {_DEEPEST} levels deep", at)
            raise _Stop
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), at)
        if isinstance(event, yaml.MappingStartEvent):
            node = Node(self._mapping(depth), at, self._tag(event, "map"))
        elif isinstance(event, yaml.SequenceStartEvent):
            node = Node(self._sequence(depth), at, self._tag(event, "seq"))
        else:
            node = self._scalar(event, at)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, name: str, at: Location) -> Node:
        if name not in self._anchors:
            self._problems.add(f"`*{name}` has no anchor `&{name}` before it", at)
            raise _Stop
        node = self._anchors[name]
        return Node(node.value, at, node.tag, node.text)

    def _sequence(self, depth: int) -> list[Node]:
        elements = []
        while not isinstance(self._peek(), yaml.SequenceEndEvent):
            elements.append(self._node(depth + 1))
        self._next()
        return elements

    def _mapping(self, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        bases: list[Node] = []
        lines: dict[str, int] = {}
        while not isinstance(self._peek(), yaml.MappingEndEvent):
            merge = self._is_merge(self._peek())
            key = self._node(depth + 1)
            value = self._node(depth + 1)
            name = "<<" if merge else self._key(key)
            if name is None:
                continue
            if name in lines:
                hint = "write `<<: [*a, *b]`" if merge else ""
                self._problems.add(f"`{name}` is written twice, first in line {lines[name]}", key.at, hint=hint)
            lines.setdefault(name, key.at.line)
            if merge:
                bases = self._bases(value)
            else:
                entries[name] = Node(value.value, key.at, value.tag, value.text)
        self._next()
        for base in bases:
            for name, node in base.entries.items():
                entries.setdefault(name, node)
        return entries

    def _is_merge(self, event: Any) -> bool:
        return isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]

    def _bases(self, value: Node) -> list[Node]:
        bases = value.elements if isinstance(value.value, list) else [value]
        for base in bases:
            if not isinstance(base.value, dict):
                self._problems.add("`<<` takes a mapping, or a list of mappings", base.at)
        return bases

    def _key(self, key: Node) -> str | None:
        if isinstance(key.value, str):
            return key.value
        if key.value is None or isinstance(key.value, dict | list):
            self._problems.add("a key must be a string", key.at)
            return None
        return key.text

    def _scalar(self, event: Any, at: Location) -> Node:
        own = _TAGS.get(event.tag or "", "")
        if event.implicit[0] or (own and not event.style):
            value = resolve(event.value)
            return Node(value, at, own, "" if isinstance(value, str) else event.value)
        if event.implicit[1] or own:
            return Node(event.value, at, own)
        return Node(self._tagged(event, at), at)

    def _tagged(self, event: Any, at: Location) -> Scalar:
        kind = (event.tag or "").removeprefix(_STANDARD)
        if kind in ("str", "!"):
            return str(event.value)
        kinds: dict[str, type] = {"int": int, "float": float, "bool": bool, "null": type(None)}
        value = resolve(event.value)
        if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if kind not in kinds:
            self._problems.add(f"unknown tag `{event.tag}`", at)
        elif type(value) is not kinds[kind]:
            self._problems.add(f"`{event.value}` is no {kind}", at)
        return value

    def _tag(self, event: Any, kind: str) -> str:
        if event.tag not in (None, "!", *_TAGS, _STANDARD + kind):
            self._problems.add(f"unknown tag `{event.tag}`", self._at(event))
        return _TAGS.get(event.tag or "", "")
