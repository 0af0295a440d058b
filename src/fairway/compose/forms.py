"""Each field's short form → its long form. A form takes a node and gives a node, and raises ValueError."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from fairway.compose.node import Node
from fairway.compose.scalars import text
from fairway.model.app import Location

Form = Callable[[Node], Node]


class Misformed(ValueError):
    """One element within a field cannot be read: where it is, and the step from the field to it."""

    def __init__(self, what: str, at: Location, step: str) -> None:
        super().__init__(what)
        self.at = at
        self.step = step


def mapping(node: Node) -> Node:
    """A list of `KEY=VALUE` as a mapping; `KEY` alone has no value (null)."""
    if not isinstance(node.value, list):
        return node
    entries: dict[str, Node] = {}
    for index, element in enumerate(node.value):
        written = text(element)
        key, found, value = written.partition("=")
        if not key.strip():
            raise Misformed(f"`{written}` has no name before `=`", element.at, str(index))
        entries[key] = element.put(value if found else None)
    return node.put(entries)


def listed(node: Node) -> Node:
    """One value as a list of one."""
    return node if isinstance(node.value, list) else node.put([node])


def each(node: Node, form: Form) -> Node:
    found = []
    for index, element in enumerate(node.elements):
        try:
            found.append(form(element))
        except ValueError as error:
            raise Misformed(str(error), element.at, str(index)) from None
    return node.put(found)


def values(node: Node, form: Form) -> Node:
    return node.put({key: form(value) for key, value in node.entries.items()})


def _named(node: Node, value: Callable[[Node], Node]) -> Node:
    """A list of names as a mapping from each to what the long form says."""
    if not isinstance(node.value, list):
        return node
    return node.put({text(element): value(element) for element in node.value})


def _depends_on(node: Node) -> Node:
    return _named(node, lambda one: one.put({"condition": one.put("service_started")}))


def _command(node: Node) -> Node:
    """A string is split as a shell would, but runs in none."""
    if not isinstance(node.value, str):
        return node
    try:
        return node.put([node.put(word) for word in shlex.split(node.value)])
    except ValueError as error:
        raise ValueError(f"cannot be split into words: {str(error).lower()}") from None


def _healthcheck(node: Node) -> Node:
    test = node.get("test")
    if test and isinstance(test.value, str):
        return node.with_entries(test=test.put([test.put("CMD-SHELL"), test.put(test.value)]))
    return node


def _extra_hosts(node: Node) -> Node:
    """Each host with the list of its addresses; `name=address` is preferred, `name:address` accepted."""
    if not isinstance(node.value, list):
        return values(node, listed)
    entries: dict[str, Node] = {}
    for index, element in enumerate(node.value):
        host, address = _pair(element)
        if not host or not address.value:
            raise Misformed(f"`{text(element)}` is not of the form host=address", element.at, str(index))
        known = entries.get(host)
        entries[host] = known.put([*known.elements, address]) if known else address.put([address])
    return node.put(entries)


def _pair(element: Node) -> tuple[str, Node]:
    written = text(element)
    host, _, address = written.partition("=" if "=" in written else ":")
    return host, element.put(address)


def _file_mounts(node: Node) -> Node:
    return each(node, lambda one: one if isinstance(one.value, dict) else one.put({"source": one.put(text(one))}))


def _gpus(node: Node) -> Node:
    if isinstance(node.value, str):
        return node.put([node.put({"count": node.put("all"), "capabilities": node.put([node.put("gpu")])})])
    return node


def resource(node: Node) -> Node:
    """A top-level resource: null means all defaults; `external: {name: x}` is an old form."""
    node = node if node.value is not None else node.put({})
    external = node.get("external")
    if external and isinstance(external.value, dict):
        node = node.with_entries(external=external.put(True), name=external.get("name") or node.get("name"))
    return node


BUILD_FORMS: dict[str, Form] = {
    "args": mapping,
    "labels": mapping,
    "ssh": mapping,
    "additional_contexts": mapping,
    "extra_hosts": _extra_hosts,
    "secrets": _file_mounts,
    "no_cache_filter": listed,
}

RESOURCE_FORMS: dict[str, Form] = {"labels": mapping}
DEPLOY_FORMS: dict[str, Form] = {"labels": mapping}

SERVICE_FORMS: dict[str, Form] = {
    "annotations": mapping,
    "command": _command,
    "configs": _file_mounts,
    "depends_on": _depends_on,
    "dns": listed,
    "dns_search": listed,
    "entrypoint": _command,
    "environment": mapping,
    "extra_hosts": _extra_hosts,
    "gpus": _gpus,
    "healthcheck": _healthcheck,
    "labels": mapping,
    "models": lambda node: _named(node, lambda one: one.put({})),
    "networks": lambda node: _named(node, lambda one: one.put(None)),
    "secrets": _file_mounts,
    "sysctls": mapping,
    "tmpfs": listed,
}
