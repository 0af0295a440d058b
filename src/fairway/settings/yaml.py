"""YAML text → nodes that know their line. YAML 1.2 scalars, `<<`, aliases; duplicate keys are problems.

The events of libyaml are read, not its `compose()`: that recurses in C, and a deeply nested text makes it crash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NoReturn

import yaml
from msgspec import Struct, field
from msgspec.structs import replace

from fairway.model.app import Location
from fairway.model.errors import Problem

DEPTH = 50
"""How deep a file may nest."""
TOO_DEEP = f"this is nested more than {DEPTH} levels deep"

_TAG = "tag:yaml.org,2002:"
_TAGS = {f"{_TAG}{tag}": kind for tag, kind in (("str", "text"), ("int", "int"), ("float", "float"), ("bool", "bool"))}
_PLAIN = re.compile(
    r"""(?P<null> | ~ | null | Null | NULL)
      | (?P<bool> true | True | TRUE | false | False | FALSE)
      | (?P<int> [-+]?[0-9]+ | 0o[0-7]+ | 0x[0-9a-fA-F]+)
      | (?P<float> [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? | [-+]?\.(inf|Inf|INF) | \.(nan|NaN|NAN))""",
    re.VERBOSE,
)


class Node(Struct, frozen=True):
    """`kind`: text, int, float, bool, null (`text` is what was written), list (`items`) or map (`entries`).

    `where` is the place of the key where the node is a value of a map.
    """

    kind: str
    where: Location
    text: str = ""
    items: tuple[Node, ...] = ()
    entries: Mapping[str, Node] = field(default_factory=dict)


class _Stop(Exception):
    """What is left of the text cannot be read."""


class _Builder:
    def __init__(self, events: Iterator[yaml.Event], file: str) -> None:
        self.events = events
        self.file = file
        self.anchors: dict[str, Node] = {}
        self.problems: list[Problem] = []

    def document(self) -> Node | None:
        next(self.events)
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return None
        root = self.node(next(self.events), None, 0)
        next(self.events)
        following = next(self.events)
        if not isinstance(following, yaml.StreamEndEvent):
            self.stop("a second document starts here; one file is one document", self.place(following))
        return root

    def node(self, event: yaml.Event, where: Location | None, depth: int) -> Node:
        place = where or self.place(event)
        if depth > DEPTH:
            self.stop(TOO_DEEP, place)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in self.anchors:
                return replace(self.anchors[str(event.anchor)], where=place)
            self.stop(f"the alias *{event.anchor} has no anchor before it", place)
        if isinstance(event, yaml.MappingStartEvent):
            node = Node("map", place, entries=self.entries(depth))
        elif isinstance(event, yaml.SequenceStartEvent):
            node = Node("list", place, items=tuple(self.items(depth)))
        else:
            assert isinstance(event, yaml.ScalarEvent)
            node = Node(self.scalar(event, place), place, event.value)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def scalar(self, event: yaml.ScalarEvent, place: Location) -> str:
        matched = _PLAIN.fullmatch(event.value)
        plain = str(matched.lastgroup) if matched else "text"
        if not event.tag or event.tag == "!":
            return plain if event.implicit[0] else "text"
        kind = _TAGS.get(event.tag)
        if kind is None or kind not in ("text", plain):
            self.problems.append(Problem(f"the tag {event.tag.replace(_TAG, '!!')} means nothing here", place))
        return kind or "text"

    def items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self.node(event, None, depth + 1)

    def entries(self, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        merged: list[Node] = []
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.node(event, None, depth + 1)
            value = self.node(next(self.events), key.where, depth + 1)
            if key.kind in ("list", "map"):
                self.problems.append(Problem("a key must be a plain word", key.where))
            elif key.text == "<<":
                merged.extend(value.items if value.kind == "list" else (value,))
            elif key.text in found:
                first = found[key.text].where.line
                self.problems.append(Problem(f"the key `{key.text}` is here twice: first on line {first}", key.where))
            else:
                found[key.text] = value
        for node in merged:
            if node.kind != "map":
                self.problems.append(Problem("`<<` merges mappings only", node.where))
            found = {**node.entries, **found}
        return found

    def place(self, event: yaml.Event) -> Location:
        mark = event.start_mark
        return Location(self.file, mark.line + 1, mark.column + 1) if mark else Location(self.file)

    def stop(self, what: str, where: Location) -> NoReturn:
        self.problems.append(Problem(what, where))
        raise _Stop


def parse(text: str, file: str) -> tuple[Node | None, list[Problem]]:
    """The document in `text` (None where it is empty, or cannot be read), and what is wrong with it as YAML."""
    builder = _Builder(iter(()), file)
    try:
        builder.events = yaml.parse(text, Loader=yaml.CSafeLoader)
        return builder.document(), builder.problems
    except _Stop:
        pass
    except yaml.MarkedYAMLError as error:
        builder.problems.append(_unreadable(error, text, file))
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1
        builder.problems.append(Problem(f"this is not text: {error.reason}", Location(file, line)))
    except UnicodeEncodeError as error:
        line = text[: error.start].count("\n") + 1
        builder.problems.append(Problem("this is not text: half a surrogate pair", Location(file, line)))
    return None, builder.problems


def _unreadable(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    lines = text.splitlines() or [""]
    line = min(mark.line + 1, len(lines)) if mark else 0  # libyaml places the end of the text on a line after the last
    what = " ".join(filter(None, (error.context, error.problem))) or "unreadable"
    if "maximum nesting depth" in what:  # libyaml's own limit, where it has one
        return Problem(TOO_DEEP, Location(file, line))
    hint = "YAML indents with spaces, never with tabs" if line and lines[line - 1].lstrip(" ").startswith("\t") else ""
    return Problem(f"this is not YAML: {what}", Location(file, line), hint=hint)
