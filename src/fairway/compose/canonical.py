"""Short forms → long forms, on nodes, so that merging and normalising see one form of everything.

Relative paths become absolute here as well, because only here the directory that they start from is known.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace

from fairway.compose import mounts, ports
from fairway.compose.node import Node
from fairway.compose.paths import Anchor
from fairway.compose.problems import Problems
from fairway.compose.scalars import text
from fairway.model.app import Path

Form = Callable[[Node], Node]


def canonical(document: Node, anchor: Anchor, problems: Problems) -> Node:
    """The document in long forms, with absolute paths. It has been validated; what cannot be read is left out and told."""
    reader = _Canonical(anchor, problems)
    tops = {
        "services": reader.service,
        "networks": lambda node, path: _top(node),
        "volumes": reader.top_volume,
        "configs": reader.file_object,
        "secrets": reader.file_object,
    }
    entries = dict(document.entries)
    for section, form in tops.items():
        if (node := entries.get(section)) and isinstance(node.value, dict) and node.tag != "reset":
            entries[section] = node.put(
                {
                    name: child if child.tag == "reset" else form(child, (section, name))
                    for name, child in node.value.items()
                }
            )
    return document.put(entries)


class _Canonical:
    def __init__(self, anchor: Anchor, problems: Problems) -> None:
        self._anchor = anchor
        self._problems = problems

    def service(self, node: Node, path: Path) -> Node:
        forms: dict[str, Form] = SERVICE_FORMS | {
            "env_file": self._env_files,
            "label_file": lambda value: _each(_listed(value), self._absolute),
            "extends": self._extends,
        }
        service = self._apply(node, forms, path)
        if (build := service.get("build")) and build.tag != "reset":
            service = service.with_entries(build=self._build(build, (*path, "build")))
        lists: dict[str, Callable[[Node], list[Node]]] = {
            "ports": ports.expand,
            "volumes": lambda one: [self._mount(mounts.volume(one))],
            "devices": lambda one: [mounts.device(one)],
        }
        for key, expand in lists.items():
            if (value := service.get(key)) and value.tag != "reset":
                service = service.with_entries(**{key: self._expand(value, expand, (*path, key))})
        return service

    def top_volume(self, node: Node, path: Path) -> Node:
        """A local volume that binds a directory names it by path too."""
        node = _top(node)
        options = node.get("driver_opts")
        device, kind = (options.get("device"), options.get("o")) if options else (None, None)
        if options and device and kind and "bind" in text(kind).split(","):
            node = node.with_entries(driver_opts=options.with_entries(device=self._absolute(device)))
        return node

    def file_object(self, node: Node, path: Path) -> Node:
        return self._apply(_top(node), {"file": self._absolute}, path)

    def _apply(self, node: Node, forms: dict[str, Form], path: Path) -> Node:
        """The mapping with each of its fields put into its form."""
        entries: dict[str, Node] = {}
        for key, value in node.entries.items():
            try:
                entries[key] = forms[key](value) if key in forms and value.tag != "reset" else value
            except ValueError as error:
                self._problems.add(str(error), value.at, (*path, key))
                self._problems.spoil((*path, key))
        return node.put(entries)

    def _expand(self, node: Node, expand: Callable[[Node], list[Node]], path: Path) -> Node:
        elements: list[Node] = []
        for index, element in enumerate(node.elements):
            try:
                elements += expand(element)
            except ValueError as error:
                self._problems.add(str(error), element.at, (*path, str(index)))
                self._problems.spoil((*path, str(index)))
        return node.put(elements)

    def _absolute(self, node: Node) -> Node:
        return node.put(self._anchor.absolute(text(node)))

    def _build(self, node: Node, path: Path) -> Node:
        build = node if isinstance(node.value, dict) else node.put({"context": replace(node, tag="")})
        forms: dict[str, Form] = BUILD_FORMS | {
            "context": lambda value: value.put(self._anchor.context(text(value))),
            "additional_contexts": lambda value: _values(
                mapping(value), lambda one: one.put(self._anchor.context(text(one)))
            ),
        }
        return self._apply(build, forms, path)

    def _env_files(self, node: Node) -> Node:
        def one(entry: Node) -> Node:
            long = entry if isinstance(entry.value, dict) else entry.put({"path": entry})
            file = long.get("path")
            return long.with_entries(path=self._absolute(file)) if file else long

        return _each(_listed(node), one)

    def _extends(self, node: Node) -> Node:
        long = node if isinstance(node.value, dict) else node.put({"service": node})
        file = long.get("file")
        return long.with_entries(file=self._absolute(file)) if file else long

    def _mount(self, mount: Node) -> Node:
        source, kind = mount.get("source"), mount.get("type")
        if source and kind and kind.value == "bind":
            return mount.with_entries(source=self._absolute(source))
        return mount


def mapping(node: Node, separators: str = "=") -> Node:
    """A list of `KEY=VALUE` as a mapping; `KEY` alone has no value (null)."""
    if not isinstance(node.value, list):
        return node
    entries: dict[str, Node] = {}
    for element in node.value:
        written = text(element)
        separator = next((one for one in separators if one in written), separators[0])
        key, found, value = written.partition(separator)
        if not key:
            raise ValueError(f"`{written}` has no name before `{separator}`")
        entries[key] = element.put(value if found else None)
    return node.put(entries)


def _listed(node: Node) -> Node:
    """One value as a list of one."""
    return node if isinstance(node.value, list) else node.put([node])


def _each(node: Node, form: Form) -> Node:
    return node.put([form(element) for element in node.elements])


def _values(node: Node, form: Form) -> Node:
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
        return _values(node, _listed)
    entries: dict[str, Node] = {}
    for element in node.value:
        ((host, address),) = mapping(node.put([element]), "=:").entries.items()
        if not address.value:
            raise ValueError(f"`{text(element)}` is not of the form host=address")
        known = entries.get(host)
        entries[host] = known.put([*known.elements, address]) if known else address.put([address])
    return node.put(entries)


def _file_mounts(node: Node) -> Node:
    return _each(node, lambda one: one if isinstance(one.value, dict) else one.put({"source": one.put(text(one))}))


def _gpus(node: Node) -> Node:
    if isinstance(node.value, str):
        return node.put([node.put({"count": node.put("all"), "capabilities": node.put([node.put("gpu")])})])
    return node


def _fields(forms: dict[str, Form]) -> Form:
    def apply(node: Node) -> Node:
        return (
            node.put(
                {
                    key: forms[key](value) if key in forms and value.tag != "reset" else value
                    for key, value in node.entries.items()
                }
            )
            if isinstance(node.value, dict)
            else node
        )

    return apply


def _top(node: Node) -> Node:
    """A top-level resource: null means all defaults; `external: {name: x}` is an old form."""
    node = _fields({"labels": mapping})(node if node.value is not None else node.put({}))
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
    "no_cache_filter": _listed,
}

SERVICE_FORMS: dict[str, Form] = {
    "annotations": mapping,
    "command": _command,
    "configs": _file_mounts,
    "depends_on": _depends_on,
    "deploy": _fields({"labels": mapping}),
    "dns": _listed,
    "dns_search": _listed,
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
    "tmpfs": _listed,
}
