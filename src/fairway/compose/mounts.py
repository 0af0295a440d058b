"""Volumes, tmpfs and devices in short form."""

from __future__ import annotations

import re

from fairway.compose.node import Node, Scalar
from fairway.compose.scalars import text

_COLON = re.compile(r":(?!\\)")
"""Not that of a Windows drive, which a backslash follows."""
_PROPAGATION = frozenset(("rprivate", "private", "rshared", "shared", "rslave", "slave"))
_CONSISTENCY = frozenset(("consistent", "cached", "delegated"))
_OPTIONS = "ro, rw, z, Z, nocopy, cached, delegated, consistent, or a propagation like rslave"


def volume(node: Node) -> Node:
    """`[source:]target[:options]` as a long form. Raises ValueError."""
    if isinstance(node.value, dict):
        return node
    parts = _COLON.split(text(node))
    if len(parts) > 3 or not all(parts):
        raise ValueError(f"`{text(node)}` is not of the form source:target:options")
    if len(parts) == 1:
        return _long(node, {"type": "volume", "target": parts[0]})
    source, target, *options = parts
    bind = source.startswith((".", "/", "~")) or "\\" in source
    mount = _long(node, {"type": "bind" if bind else "volume", "source": source, "target": target})
    if bind:
        mount = mount.with_entries(bind=_long(node, {"create_host_path": True}))
    for option in options[0].split(",") if options else ():
        mount = _with_option(mount, option)
    return mount


def _with_option(mount: Node, option: str) -> Node:
    if option == "rw":
        return mount
    if option == "ro":
        return mount.with_entries(read_only=mount.put(True))
    if option in ("z", "Z"):
        return _within(mount, "bind", "selinux", option)
    if option in ("nocopy", "volume-nocopy"):
        return _within(mount, "volume", "nocopy", True)
    if option in _PROPAGATION:
        return _within(mount, "bind", "propagation", option)
    if option in _CONSISTENCY:
        return mount.with_entries(consistency=mount.put(option))
    raise ValueError(f"`{option}` is no option of a mount: known are {_OPTIONS}")


def _within(mount: Node, group: str, key: str, value: Scalar) -> Node:
    old = mount.get(group) or mount.put({})
    return mount.with_entries(**{group: old.with_entries(**{key: mount.put(value)})})


def device(node: Node) -> Node:
    """`source[:target[:permissions]]`, or a CDI name like `vendor.com/device=gpu`, as a long form. Raises ValueError."""
    if isinstance(node.value, dict):
        return node
    short = text(node)
    if "=" in short:
        return _long(node, {"source": short, "target": short, "permissions": "rwm"})
    parts = short.split(":")
    if len(parts) > 3 or not all(parts):
        raise ValueError(f"`{short}` is not of the form source:target:permissions")
    source, target, permissions = [*parts, *(parts[0], "rwm")[len(parts) - 1 :]]
    return _long(node, {"source": source, "target": target, "permissions": permissions})


def _long(node: Node, fields: dict[str, Scalar]) -> Node:
    return node.put({key: node.put(value) for key, value in fields.items()})
