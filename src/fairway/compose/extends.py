"""`extends`: a service takes another as its base, from the same file or from another."""

from __future__ import annotations

from dataclasses import dataclass, field

from fairway.compose.merge import merge
from fairway.compose.node import Node
from fairway.compose.sources import Project, directory_of, merged
from fairway.compose.words import closest
from fairway.model.app import Path

_Services = dict[str, Node]


@dataclass
class Extender:
    """Resolves the `extends` of one file's services; files that they name are read once."""

    project: Project
    files: dict[str, _Services] = field(default_factory=dict)

    def resolve(self, document: Node, file: str) -> Node:
        """The document with every service merged over what it extends."""
        services = document.get("services")
        if not services or services.tag == "reset":
            return document
        known = dict(services.entries)
        done = {name: self._service(name, known, file, ()) for name in known}
        return document.with_entries(services=services.put(done))

    def _service(self, name: str, services: _Services, file: str, chain: tuple[tuple[str, str], ...]) -> Node:
        service = services[name]
        extends = service.get("extends")
        if not extends or extends.tag == "reset":
            return service
        own = service.with_entries(extends=None)
        path: Path = ("services", name, "extends")
        wanted, other = extends.get("service"), extends.get("file")
        if not wanted:
            if not self.project.problems.spoilt((*path, "service")):
                self.project.problems.add("`service` is missing", extends.at, path)
            return own
        chain = (*chain, (file, name))
        base_file, base_name = str(other.value) if other else file, str(wanted.value)
        bases = self._bases(base_file, extends, path) if base_file != file else services
        if (base_file, base_name) in chain:
            steps = [*chain[chain.index((base_file, base_name)) :], (base_file, base_name)]
            self.project.problems.add(f"a circle: {_spelled(steps)}", extends.at, path)
            return own
        if bases is None:
            return own
        if base_name not in bases:
            what = f"there is no service `{base_name}`" + (f" in {base_file}" if other else "")
            self.project.problems.add(what, wanted.at, path, closest(base_name, bases))
            self.project.problems.spoil(("services", name))
            return own
        return merge(self._service(base_name, bases, base_file, chain), own, ("services", name))

    def _bases(self, file: str, extends: Node, path: Path) -> _Services | None:
        """The services of another file; None where it cannot be read (the problem has been told)."""
        if file not in self.files:
            place = self.project.at(directory_of(file))
            whole = merged(place.documents(file, extends.at, path), file)
            services = whole.get("services")
            self.files[file] = services.entries if services else {}
        return self.files[file] or None


def _spelled(steps: list[tuple[str, str]]) -> str:
    one_file = len({file for file, _ in steps}) == 1
    return " → ".join(name if one_file else f"{name} ({file})" for file, name in steps)
