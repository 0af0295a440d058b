"""`extends`: a service takes another as its base, from the same file or from another."""

from __future__ import annotations

from dataclasses import dataclass, field

from fairway.compose.merge import merge
from fairway.compose.node import Node
from fairway.compose.sources import Project, directory_of, merged
from fairway.compose.words import closest
from fairway.model.app import Location, Path

_Services = dict[str, Node]
_Step = tuple[str, str]
"""A file, and the name of a service in it."""
_DEEPEST = 100


@dataclass
class Extender:
    """Resolves the `extends` of one file's services; files that they name are read once, and services resolved once."""

    project: Project
    files: dict[str, _Services | None] = field(default_factory=dict)
    done: dict[_Step, Node] = field(default_factory=dict)
    broken: set[_Step] = field(default_factory=set)

    def resolve(self, document: Node, file: str) -> Node:
        """The document with every service merged over what it extends."""
        services = document.get("services")
        if not services or services.tag == "reset":
            return document
        known = dict(services.entries)
        done = {name: self._service((file, name), known, ()) for name in known}
        return document.with_entries(services=services.put(done))

    def _service(self, step: _Step, services: _Services, chain: tuple[_Step, ...]) -> Node:
        if step not in self.done:
            self.done[step] = self._resolved(step, services, chain)
        return self.done[step]

    def _resolved(self, step: _Step, services: _Services, chain: tuple[_Step, ...]) -> Node:
        file, name = step
        service = services[name]
        extends = service.get("extends")
        if not extends or extends.tag == "reset":
            return service
        own = service.with_entries(extends=None)
        path: Path = ("services", name, "extends")
        wanted, other = extends.get("service"), extends.get("file")
        if not wanted:
            if not self.project.problems.spoilt((*path, "service")):
                self._refuse("`service` is missing", extends.at, step)
            return own
        chain = (*chain, step)
        base = (str(other.value) if other else file, str(wanted.value))
        bases = self._bases(base[0], extends, path) if base[0] != file else services
        if base in chain:
            self._refuse(f"a circle: {_spelled([*chain[chain.index(base) :], base])}", extends.at, step)
        elif len(chain) > _DEEPEST:
            self._refuse(f"extends more than {_DEEPEST} services, one after the other", extends.at, step)
        elif bases is not None and base[1] not in bases:
            what = f"there is no service `{base[1]}`" + (f" in {base[0]}" if other else "")
            self._refuse(what, wanted.at, step, closest(base[1], bases))
        elif bases is not None:
            found = self._service(base, bases, chain)
            if base in self.broken:
                self._lose(step)
            return merge(found, own, ("services", name))
        return own

    def _refuse(self, what: str, at: Location, step: _Step, hint: str = "") -> None:
        self.project.problems.add(what, at, ("services", step[1], "extends"), hint)
        self._lose(step)

    def _lose(self, step: _Step) -> None:
        """What the service lacks now, its base may have: that it is missing is no news."""
        self.broken.add(step)
        self.project.problems.spoil(("services", step[1]))

    def _bases(self, file: str, extends: Node, path: Path) -> _Services | None:
        """The services of another file; None where it cannot be read (the problem has been told)."""
        if file not in self.files:
            place = self.project.at(directory_of(file))
            documents = place.documents(file, extends.at, path)
            services = merged(documents, file).get("services")
            unread = not documents and self.project.problems.errors
            self.files[file] = None if unread else services.entries if services else {}
        return self.files[file]


def _spelled(steps: list[_Step]) -> str:
    one_file = len({file for file, _ in steps}) == 1
    return " → ".join(name if one_file else f"{name} ({file})" for file, name in steps)
