"""A value with the place where it was written. Every stage before the App works on these, so that no place is ever lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from fairway.model.app import Location, Path

Scalar = str | int | float | bool | None


class Node(Struct, eq=False):
    """One value. `at` is the place of its key where it has one, else its own.

    `tag` is "", "reset" or "override". `text` is a number as it was written (`0440`).
    """

    value: Scalar | dict[str, Node] | list[Node]
    at: Location
    tag: str = ""
    text: str = ""

    @property
    def entries(self) -> dict[str, Node]:
        """The mapping's entries; of anything else, none."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def elements(self) -> list[Node]:
        """The list's elements; of anything else, none."""
        return self.value if isinstance(self.value, list) else []

    def get(self, key: str) -> Node | None:
        return self.entries.get(key)

    def find(self, *path: str) -> Node | None:
        node: Node | None = self
        for key in path:
            node = node.get(key) if node else None
        return node

    def put(self, value: Scalar | dict[str, Node] | list[Node]) -> Node:
        """Another value at the same place."""
        return Node(value, self.at, self.tag)

    def with_entries(self, **entries: Node | None) -> Node:
        """The mapping with these entries added or replaced (or removed, with None)."""
        merged = {key: entries.get(key, node) for key, node in self.entries.items()} | entries
        return self.put({key: node for key, node in merged.items() if node is not None})


def plain(node: Node) -> Any:
    """The value without places."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """The node and all below it, each with its path; an element's step is its index."""
    waiting = [(path, node)]
    while waiting:
        path, node = waiting.pop()
        yield path, node
        waiting += reversed(list(_below(node, path)))


def select(node: Node, pattern: Path, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """The nodes whose paths fit `pattern`, in which `*` stands for any one step."""
    if len(path) == len(pattern):
        yield path, node
        return
    wanted = pattern[len(path)]
    for place, child in _below(node, path):
        if wanted in ("*", place[-1]):
            yield from select(child, pattern, place)


def _below(node: Node, path: Path) -> Iterator[tuple[Path, Node]]:
    if isinstance(node.value, dict):
        return (((*path, key), child) for key, child in node.value.items())
    if isinstance(node.value, list):
        return (((*path, str(index)), child) for index, child in enumerate(node.value))
    return iter(())
