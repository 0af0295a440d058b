"""`include`: other applications become part of this one, each with its own directory and its own variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from fairway.compose.merge import settled
from fairway.compose.node import Node, plain
from fairway.compose.scalars import text
from fairway.compose.sources import Project, directory_of
from fairway.model.app import Path

Load = Callable[[Sequence[str], Project, tuple[str, ...]], Node]
_DEEPEST = 100
_SECTIONS = ("services", "networks", "volumes", "configs", "secrets", "models", "jobs")


def include(document: Node, project: Project, load: Load, chain: tuple[str, ...]) -> Node:
    """The document with everything that it includes. `chain` are the files on the way here, to find circles."""
    wanted = document.get("include")
    if not wanted or wanted.tag == "reset":
        return document
    whole = document.with_entries(include=None)
    for index, element in enumerate(wanted.elements):
        path = ("include", str(index))
        included = _load(element, path, project, load, chain)
        if included:
            whole = _import(whole, settled(included), project)
    return whole


def _load(element: Node, path: Path, project: Project, load: Load, chain: tuple[str, ...]) -> Node | None:
    files = [_absolute(node, project) for node in _paths(element)]
    problems = project.problems
    if not files or not all(files):
        problems.add("`path` is missing", element.at, path)
        return None
    for file in files:
        if file in chain:
            circle = " → ".join([*chain[chain.index(file) :], file])
            problems.add(f"a circle: {circle}", element.at, path)
            return None
        project.parsed(file, element.at, path)
    home = element.get("project_directory")
    directory = _absolute(home, project) if home else directory_of(files[0])
    if len(chain) > _DEEPEST:
        problems.add(f"includes more than {_DEEPEST} files, one within the other", element.at, path)
        return None
    inner = replace(project.at(directory), variables=_variables(element, path, directory, project))
    key = (tuple(files), directory, frozenset(inner.variables.items()))
    if key not in project.included:
        project.included[key] = load(files, inner, (*chain, *files))
    return project.included[key]


def _paths(element: Node) -> list[Node]:
    if not isinstance(element.value, dict):
        return [element]
    return _listed(element.get("path"))


def _listed(node: Node | None) -> list[Node]:
    if node is None:
        return []
    return node.elements if isinstance(node.value, list) else [node]


def _absolute(node: Node, project: Project) -> str:
    try:
        return project.anchor.absolute(text(node))
    except ValueError as error:
        project.problems.add(str(error), node.at)
        return ""


def _variables(element: Node, path: Path, directory: str, project: Project) -> dict[str, str]:
    """The include's own files give defaults; what the including project has wins."""
    named = _listed(element.get("env_file"))
    default = f"{directory.rstrip('/')}/.env"
    files = [_absolute(node, project) for node in named]
    if not named and project.reader.exists(default):
        files = [default]
    found: dict[str, str] = {}
    for file in filter(None, files):
        read = project.env_file(file, element.at, path)
        found |= {name: value for name, value in read.items() if value is not None}
    return found | dict(project.variables)


def _import(whole: Node, included: Node, project: Project) -> Node:
    for section in _SECTIONS:
        theirs, ours = included.get(section), whole.get(section)
        if not theirs:
            continue
        entries = dict(ours.entries) if ours else {}
        for name, node in theirs.entries.items():
            if name in entries and plain(entries[name]) != plain(node):
                what = f"{section[:-1]} `{name}` is also defined in {node.at}, which is included, and differs"
                project.problems.add(what, entries[name].at, (section, name))
            entries.setdefault(name, node)
        whole = whole.with_entries(**{section: (ours or theirs).put(entries)})
    return whole
