"""Labels of hosts: what constraints and preferences of placement compare, so nothing that these cannot write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fairway.settings.kinds import Kind, Wrong, found
from fairway.settings.yaml import Node

_KEY = r"[A-Za-z0-9_]([A-Za-z0-9_./-]*[A-Za-z0-9_])?"
_VALUE = r"[^\s=!]([^=!\r\n]*[^\s=!])?"
_SCALARS = ("text", "int", "float", "bool")


def _labels(node: Node) -> Mapping[str, str]:
    if node.kind not in ("map", "list"):
        raise Wrong(f"must be labels (NAME: value, or a list of NAME=value), not {found(node)}")
    read = _mapped(node) if node.kind == "map" else _listed(node)
    labels: dict[str, str] = {}
    problems: list[Wrong] = []
    for one in read:
        if isinstance(one, Wrong):
            problems.append(one)
            continue
        name, value, item = one
        if problem := _problem(name, value, item, labels):
            problems.append(problem)
        else:
            labels[name] = value
    if problems:
        first = problems[0]
        raise Wrong(str(first), first.hint, node=first.node, key=first.key, more=problems[1:])
    return labels


def _mapped(node: Node) -> Iterator[tuple[str, str, Node] | Wrong]:
    for name, item in node.entries.items():
        if item.kind in _SCALARS:
            yield name, item.text, item
        else:
            yield Wrong(f"must be a value, not {found(item)}", node=item, key=name[:40])


def _listed(node: Node) -> Iterator[tuple[str, str, Node] | Wrong]:
    for index, item in enumerate(node.items):
        name, equals, value = item.text.partition("=")
        if item.kind in _SCALARS and equals:
            yield name, value, item
        elif item.kind in _SCALARS:
            yield Wrong(f"{found(item)} has no value", "write `NAME=value`", node=item, key=str(index))
        else:
            yield Wrong(f"must be a label, not {found(item)}", "write `NAME=value`", node=item, key=str(index))


def _problem(name: str, value: str, item: Node, known: Mapping[str, str]) -> Wrong | None:
    if not re.fullmatch(_KEY, name):
        hint = "letters, digits and `_`; `.`, `-` and `/` between them"
        return Wrong(f"{_quoted(name, item)} is no name for a label", hint, node=item, key=name[:40])
    if name in known:
        return Wrong(f"`{name}` is said twice", node=item, key=name[:40])
    if not re.fullmatch(_VALUE, value):
        hint = "one line of text, without `=` and `!`: constraints compare it"
        return Wrong(f"{_quoted(value, item)} is no value for a label", hint, node=item, key=name[:40])
    return None


def _quoted(text: str, item: Node) -> str:
    return found(Node("text" if text else "null", item.where, text))


LABELS = Kind(
    "labels: NAME: value, or a list of NAME=value",
    _labels,
    {
        "anyOf": [
            {
                "type": "object",
                "propertyNames": {"pattern": f"^{_KEY}$"},
                "additionalProperties": {"type": ["string", "number", "boolean"]},
            },
            {"type": "array", "items": {"type": "string", "pattern": f"^{_KEY}={_VALUE}$"}},
        ]
    },
)
