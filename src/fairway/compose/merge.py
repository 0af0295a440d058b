"""Merging of canonical documents, the later over the earlier, by the specification's rules.

Mappings merge by key, lists append without repeating themselves, and everything else is replaced. The exceptions are
the tables below. `!reset` and `!override` are obeyed here; a reset node stays, so that it also undoes what is merged in
below it later (an override file may extend a service and reset a field), until `settled` sweeps it out.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from fairway.compose.interpolate import matches
from fairway.compose.node import Node, plain
from fairway.model.app import Path

Key = Callable[[Node], Hashable]

_REPLACED = (
    ("services", "*", "command"),
    ("services", "*", "entrypoint"),
    ("services", "*", "healthcheck", "test"),
)

_REPEATING = (("models", "*", "runtime_flags"),)


def _field(name: str) -> Key:
    return lambda node: str(child.value) if (child := node.get(name)) else ""


def _port(node: Node) -> Hashable:
    found = {key: str(child.value) for key, child in node.entries.items()}
    return tuple(
        found.get(key, default)
        for key, default in (("host_ip", ""), ("target", ""), ("published", ""), ("protocol", "tcp"))
    )


def _target(prefix: str) -> Key:
    """A config or secret by where it is mounted."""

    def key(node: Node) -> Hashable:
        target, source = node.get("target"), node.get("source")
        written = str((target or source or node).value)
        return written if written.startswith("/") else prefix + written

    return key


def _text(node: Node) -> Hashable:
    return str(node.value).partition(":")[0]


_UNIQUE: tuple[tuple[tuple[str, ...], Key], ...] = (
    (("services", "*", "ports"), _port),
    (("services", "*", "volumes"), _field("target")),
    (("services", "*", "devices"), _field("target")),
    (("services", "*", "secrets"), _target("/run/secrets/")),
    (("services", "*", "configs"), _target("/")),
    (("services", "*", "build", "secrets"), _target("")),
    (("services", "*", "env_file"), _field("path")),
    (("services", "*", "tmpfs"), _text),
    (("services", "*", "blkio_config", "*"), _field("path")),
    (("networks", "*", "ipam", "config"), _field("subnet")),
)
"""Lists whose elements are known by a key; the later one takes the earlier's place."""


def merge(base: Node, over: Node, path: Path = ()) -> Node:
    """`over` merged over `base`."""
    if over.tag or base.tag == "reset":
        return over
    if isinstance(base.value, dict) and isinstance(over.value, dict):
        if _is_other_logging(base, over, path):
            return over
        return Node(_merge_entries(base, over, path), over.at, base.tag)
    if any(matches(pattern, path) for pattern in _REPLACED):
        return over
    if isinstance(base.value, list) and isinstance(over.value, list):
        return Node(_merge_elements(base, over, path), over.at, base.tag)
    if over.value is None and isinstance(base.value, dict | list):
        return base
    return Node(over.value, over.at, base.tag, over.text)


def _merge_entries(base: Node, over: Node, path: Path) -> dict[str, Node]:
    entries = dict(base.entries)
    for key, node in over.entries.items():
        entries[key] = merge(entries[key], node, (*path, key)) if key in entries else node
    return entries


def _is_other_logging(base: Node, over: Node, path: Path) -> bool:
    """Options belong to their driver: another driver starts without them."""
    old, new = base.get("driver"), over.get("driver")
    return path[2:] == ("logging",) and old is not None and new is not None and old.value != new.value


def _merge_elements(base: Node, over: Node, path: Path) -> list[Node]:
    if any(matches(pattern, path) for pattern in _REPEATING):
        return base.elements + over.elements
    key = next((key for pattern, key in _UNIQUE if matches(pattern, path)), _whole)
    elements: dict[Hashable, Node] = {}
    for node in base.elements + over.elements:
        elements[key(node)] = node
    return list(elements.values())


def _whole(node: Node) -> Hashable:
    return _frozen(plain(node))


def _frozen(value: Any) -> Hashable:
    if isinstance(value, dict):
        return tuple((key, _frozen(child)) for key, child in value.items())
    if isinstance(value, list):
        return tuple(_frozen(child) for child in value)
    return type(value), value


def settled(node: Node) -> Node:
    """The document without its reset values, and without tags."""
    if isinstance(node.value, dict):
        return Node({key: settled(child) for key, child in node.value.items() if child.tag != "reset"}, node.at)
    if isinstance(node.value, list):
        return Node([settled(child) for child in node.value if child.tag != "reset"], node.at)
    return Node(node.value, node.at, "", node.text)
