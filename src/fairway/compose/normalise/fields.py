"""Typed access to the fields of a mapping; what cannot be read is told once, with its place, and counts as not set."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, TypeVar

from fairway.compose import scalars
from fairway.compose.forms import mapping
from fairway.compose.node import Node, plain
from fairway.compose.problems import Problems
from fairway.compose.words import either
from fairway.model.app import Path

T = TypeVar("T")


class Fields:
    """A mapping node (or none at all, which has no fields) with its path and the place for problems."""

    def __init__(self, node: Node | None, path: Path, problems: Problems) -> None:
        self.node = node
        self.path = path
        self.problems = problems

    def has(self, key: str) -> bool:
        return self._get(key) is not None

    def _get(self, key: str) -> Node | None:
        found = self.node.get(key) if self.node else None
        return found if found and found.value is not None else None

    def read(self, key: str, convert: Callable[[Node], T]) -> T | None:
        """The field by `convert`, which raises ValueError; None where it is not set, or cannot be read."""
        node = self._get(key)
        return self.convert(node, convert, key) if node else None

    def convert(self, node: Node, convert: Callable[[Node], T], *steps: str) -> T | None:
        try:
            return convert(node)
        except ValueError as error:
            self.problems.add(str(error), node.at, (*self.path, *steps))
            self.problems.spoil((*self.path, *steps))
            return None

    def text(self, key: str) -> str | None:
        """The field as a string; an empty one counts as not set."""
        return self.read(key, scalars.text) or None

    def flag(self, key: str) -> bool | None:
        return self.read(key, scalars.flag)

    def whole(self, key: str) -> int | None:
        return self.read(key, scalars.whole)

    def number(self, key: str) -> float | None:
        return self.read(key, scalars.number)

    def duration(self, key: str) -> float | None:
        return self.read(key, scalars.duration)

    def size(self, key: str) -> int | None:
        return self.read(key, scalars.size)

    def mode(self, key: str) -> int | None:
        return self.read(key, scalars.mode)

    def choice(self, key: str, options: Collection[str], default: str) -> str:
        """The field, which must be one of `options`."""

        def convert(node: Node) -> str:
            written = scalars.text(node)
            if written not in options:
                raise ValueError(f"`{written}` is not {either(f'`{option}`' for option in options)}")
            return written

        return self.read(key, convert) or default

    def required(self, key: str) -> str:
        """The field as a string, or "", the problem told."""
        value = self.text(key)
        if value is None and self.node and not self.problems.spoilt((*self.path, key)):
            self.problems.add(f"`{key}` is missing", self.node.at, self.path)
        return value or ""

    def texts(self, key: str) -> tuple[str, ...]:
        node = self._get(key)
        found = [self.convert(one, scalars.text, key, str(i)) for i, one in enumerate(node.elements if node else [])]
        return tuple(one for one in found if one is not None)

    def table(self, key: str) -> dict[str, str]:
        """A mapping of scalars, or a list of `KEY=VALUE`; null counts as ""."""
        node = self.read(key, mapping)
        entries = (node.entries if node else {}).items()
        found = {name: self.convert(one, scalars.text, key, name) for name, one in entries}
        return {name: value for name, value in found.items() if value is not None}

    def raw(self, key: str) -> Any:
        """The field as written, in long form."""
        node = self._get(key)
        return plain(node) if node else None

    def child(self, *keys: str) -> Fields:
        """The mapping below, or one without fields."""
        node = self.node.find(*keys) if self.node else None
        return Fields(node, (*self.path, *keys), self.problems)

    def children(self, key: str) -> Iterator[Fields]:
        """The mappings in a list."""
        node = self._get(key)
        for index, element in enumerate(node.elements if node else []):
            yield Fields(element, (*self.path, key, str(index)), self.problems)

    def entries(self, key: str) -> Iterator[tuple[str, Fields]]:
        """The mappings in a mapping, by name."""
        node = self._get(key)
        for name, element in (node.entries if node else {}).items():
            yield name, Fields(element, (*self.path, key, name), self.problems)

    def rest(self, known: Collection[str]) -> dict[str, Any]:
        """Every field that is not among `known`, as written."""
        return {key: plain(node) for key, node in (self.node.entries if self.node else {}).items() if key not in known}

    def complain(self, what: str, key: str = "", hint: str = "") -> None:
        """A problem with the field, or with the mapping as a whole."""
        node = (self.node.get(key) if self.node and key else None) or self.node
        self.problems.add(what, node.at if node else None, (*self.path, key) if key else self.path, hint)


def given(**fields: Any) -> dict[str, Any]:
    """The fields that are set: the rest keep the noun's defaults."""
    return {key: value for key, value in fields.items() if value is not None}
