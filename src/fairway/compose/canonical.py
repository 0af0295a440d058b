"""Short forms → long forms, on nodes, so that merging and normalising see one form of everything.

Relative paths become absolute here as well, because only here the directory that they start from is known.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from fairway.compose import mounts, ports
from fairway.compose.forms import (
    BUILD_FORMS,
    DEPLOY_FORMS,
    RESOURCE_FORMS,
    SERVICE_FORMS,
    Form,
    Misformed,
    each,
    listed,
    mapping,
    resource,
    values,
)
from fairway.compose.node import Node
from fairway.compose.paths import Anchor
from fairway.compose.problems import Problems
from fairway.compose.scalars import text
from fairway.model.app import Path


def canonical(document: Node, anchor: Anchor, problems: Problems) -> Node:
    """The document in long forms, with absolute paths. It has been validated; what cannot be read is left out and told."""
    reader = _Canonical(anchor, problems)
    tops = {
        "services": reader.service,
        "networks": reader.network,
        "volumes": reader.volume,
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
            "label_file": lambda value: each(listed(value), self._absolute),
            "extends": self._extends,
        }
        service = self._apply(node, forms, path)
        if (build := service.get("build")) and build.tag != "reset":
            service = service.with_entries(build=self._build(build, (*path, "build")))
        if (deploy := service.get("deploy")) and deploy.tag != "reset":
            service = service.with_entries(deploy=self._apply(deploy, DEPLOY_FORMS, (*path, "deploy")))
        lists: dict[str, Callable[[Node], list[Node]]] = {
            "ports": ports.expander(),
            "volumes": lambda one: [self._mount(mounts.volume(one))],
            "devices": lambda one: [mounts.device(one)],
        }
        for key, expand in lists.items():
            if (value := service.get(key)) and value.tag != "reset":
                service = service.with_entries(**{key: self._expand(value, expand, (*path, key))})
        return service

    def network(self, node: Node, path: Path) -> Node:
        return self._apply(resource(node), RESOURCE_FORMS, path)

    def volume(self, node: Node, path: Path) -> Node:
        return self._apply(resource(node), RESOURCE_FORMS | {"driver_opts": self._bound}, path)

    def file_object(self, node: Node, path: Path) -> Node:
        return self._apply(resource(node), RESOURCE_FORMS | {"file": self._absolute}, path)

    def _bound(self, options: Node) -> Node:
        """A local volume that binds a directory names it by path too."""
        device, kind = options.get("device"), options.get("o")
        if device and kind and "bind" in text(kind).split(","):
            return options.with_entries(device=self._absolute(device))
        return options

    def _apply(self, node: Node, forms: dict[str, Form], path: Path) -> Node:
        """The mapping with each of its fields put into its form."""
        entries: dict[str, Node] = {}
        for key, value in node.entries.items():
            try:
                entries[key] = forms[key](value) if key in forms and value.tag != "reset" else value
            except Misformed as error:
                self._problems.add(str(error), error.at, (*path, key, error.step))
                self._problems.spoil((*path, key))
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
            "additional_contexts": lambda value: values(
                mapping(value), lambda one: one.put(self._anchor.context(text(one)))
            ),
        }
        return self._apply(build, forms, path)

    def _env_files(self, node: Node) -> Node:
        def one(entry: Node) -> Node:
            long = entry if isinstance(entry.value, dict) else entry.put({"path": entry})
            file = long.get("path")
            return long.with_entries(path=self._absolute(file)) if file else long

        return each(listed(node), one)

    def _extends(self, node: Node) -> Node:
        long = node if isinstance(node.value, dict) else node.put({"service": node})
        file = long.get("file")
        return long.with_entries(file=self._absolute(file)) if file else long

    def _mount(self, mount: Node) -> Node:
        source, kind = mount.get("source"), mount.get("type")
        if source and kind and kind.value == "bind":
            return mount.with_entries(source=self._absolute(source))
        return mount
