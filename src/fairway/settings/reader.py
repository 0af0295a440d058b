"""Nodes + shapes → settings. What is wrong is noted, and reading goes on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fairway.model.app import Location, Path
from fairway.model.errors import Problem
from fairway.settings.kinds import Kind, Wrong, found
from fairway.settings.shapes import Many, Named, Record, Shape
from fairway.settings.shapes import keys as all_keys
from fairway.settings.yaml import Node

WRONG: Any = object()
"""In place of a value that could not be read; the problem is noted."""


def nearest(word: str, words: Iterable[str]) -> str:
    """The one of `words` that is most like it, if any is."""
    from difflib import get_close_matches  # only a file with mistakes pays for it

    return next(iter(get_close_matches(word[:80], words, n=1)), "")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint: the known word that is nearest to this one, else a list of those there are."""
    words = sorted(known)
    if near := nearest(word, words):
        return f"did you mean `{near}`?"
    return f"there is: {', '.join(words)}" if words else ""


class Reader:
    """Reads one file. `problems` and `locations` fill up on the way."""

    def __init__(self, root: Record) -> None:
        self.root = root
        self.problems: list[Problem] = []
        self.locations: dict[Path, Location] = {}

    def read(self, shape: Shape, node: Node, path: Path = ()) -> Any:
        """The value of `node`, or WRONG."""
        self.locations[path] = node.where
        match shape:
            case Kind():
                return self.kind(shape, node, path)
            case Many():
                return self.many(shape, node, path)
            case Named():
                return self.named(shape, node, path)
            case Record():
                return self.record(shape, node, path)

    def kind(self, kind: Kind, node: Node, path: Path) -> Any:
        try:
            return kind.parse(node)
        except Wrong as wrong:
            for one in (wrong, *wrong.more):
                inner = path if one.key is None else (*path, one.key)
                self.wrong(str(one), (one.node or node).where, inner, one.hint)
            return WRONG

    def many(self, shape: Many, node: Node, path: Path) -> Any:
        if node.kind != "list":
            single = self.read(shape.item, node, path)
            return single if single is WRONG else (single,)
        values = [self.read(shape.item, item, (*path, str(index))) for index, item in enumerate(node.items)]
        return tuple(value for value in values if value is not WRONG)

    def named(self, shape: Named, node: Node, path: Path) -> Any:
        if node.kind not in ("map", "null"):
            return self.wrong(f"must be a mapping, not {found(node)}", node.where, path)
        values: dict[str, Any] = {}
        for name, item in node.entries.items():
            try:
                shape.name.parse(Node("text", item.where, name))
            except Wrong as wrong:
                self.wrong(str(wrong), item.where, (*path, name), wrong.hint)
            values[name] = self.read(shape.item, item, (*path, name))
        return {name: value for name, value in values.items() if value is not WRONG}

    def record(self, shape: Record, node: Node, path: Path) -> Any:
        if shape.short and node.kind not in ("map", "null"):
            node = Node("map", node.where, entries={shape.short: node})
        if node.kind not in ("map", "null"):
            return self.wrong(f"must be a mapping, not {found(node)}", node.where, path)
        values: dict[str, Any] = {}
        for key, item in node.entries.items():
            if inner := shape.keys.get(key):
                values[key] = self.read(inner, item, (*path, key))
            elif path or not key.startswith("x-"):
                self.unknown(shape, key, item, path)
        missing = sorted(shape.required - set(values))
        for key in missing:
            self.wrong(f"`{key}` is missing", node.where, path)
        good = {key: value for key, value in values.items() if value is not WRONG}
        fields = {shape.fields.get(key, key): value for key, value in good.items()}
        return shape.cls(**fields) if shape.required <= set(good) else WRONG

    def unknown(self, shape: Record, key: str, item: Node, path: Path) -> None:
        if key in shape.later:
            what, hint = f"`{key}` is not in this version of Fairway", "leave it out"
        else:
            what, hint = "no such key", self.suggest(shape, key)
        self.wrong(what, item.where, (*path, key), hint)

    def suggest(self, shape: Record, key: str) -> str:
        near = nearest(key, shape.keys)
        homes = [] if near else [".".join(path[:-1]) for path, _ in all_keys(self.root) if path[-1] == key]
        if homes:
            home = min(homes, key=len)
            return f"`{key}` belongs to {f'`{home}`' if home else 'the top level'}"
        return did_you_mean(key, shape.keys)

    def wrong(self, what: str, where: Location, path: Path, hint: str = "") -> Any:
        self.problems.append(Problem(what, where, path, hint))
        return WRONG
