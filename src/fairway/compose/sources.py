"""One file → its canonical document: read, parse, interpolate, validate, put into long forms."""

from __future__ import annotations

import posixpath
from collections.abc import Hashable, Mapping
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from fairway.compose import dotenv
from fairway.compose.canonical import canonical
from fairway.compose.interpolate import interpolate
from fairway.compose.merge import merge
from fairway.compose.node import Node
from fairway.compose.paths import Anchor
from fairway.compose.problems import Problems, Recorded
from fairway.compose.schema import validate
from fairway.compose.yaml import parse
from fairway.model.app import Location, Path


class Reader(Protocol):
    """Where files come from."""

    def read(self, path: str) -> str:
        """The text of a file. Raises FileNotFoundError or another OSError."""
        ...

    def exists(self, path: str) -> bool: ...


class Project(Struct, frozen=True):
    """What surrounds files that are loaded together."""

    reader: Reader
    problems: Problems
    directory: str
    variables: Mapping[str, str]
    included: dict[Hashable, Node] = field(default_factory=dict)
    """What is included in several places is loaded once."""
    _parsed: dict[str, list[Node]] = field(default_factory=dict)

    @property
    def anchor(self) -> Anchor:
        return Anchor(self.directory, self.variables.get("HOME", ""))

    def at(self, directory: str) -> Project:
        """The same with relative paths that start elsewhere."""
        return replace(self, directory=directory)

    def text(self, path: str, at: Location | None = None, place: Path = ()) -> str | None:
        """The text of a file that is named `at` a place, or None, the problem told."""
        try:
            return self.reader.read(path)
        except FileNotFoundError:
            self.problems.add(f"there is no file {path}", at or Location(path), place)
        except UnicodeDecodeError:
            self.problems.add(f"{path} is no text in UTF-8", at or Location(path), place)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self.problems.add(f"cannot read {path}: {reason}", at or Location(path), place)
        return None

    def parsed(self, path: str, at: Location | None = None, place: Path = ()) -> list[Node]:
        """The documents of a file as written; a file is parsed once."""
        if path not in self._parsed:
            before = len(self.problems.errors)
            text = self.text(path, at, place)
            self._parsed[path] = parse(text, path, self.problems) if text is not None else []
            if not self._parsed[path] and len(self.problems.errors) > before:
                self.problems.spoil(())  # anything may be defined in a file that cannot be read
        return self._parsed[path]

    def documents(self, path: str, at: Location | None = None, place: Path = ()) -> list[Node]:
        """The canonical documents of a file; several in one file merge like several files."""
        return [self._canonical(document) for document in self.parsed(path, at, place)]

    def _canonical(self, document: Node) -> Node:
        valid = validate(interpolate(document, self.variables, self.problems), self.problems)
        return canonical(valid, self.anchor, self.problems)

    def env_file(
        self, path: str, at: Location | None = None, place: Path = (), *, raw: bool = False
    ) -> dict[str, str | None]:
        text = self.text(path, at, place)
        if text is None:
            return {}
        read = dotenv.parse_raw if raw else dotenv.parse
        variables = Recorded(self.variables)
        found = read(text, path, variables, self.problems)
        if place:  # not `.env`: what is in that is used where a value says so
            self.problems.used(variables, at or Location(path), place)
        return found


def merged(documents: list[Node], path: str) -> Node:
    """The documents merged in order; nothing gives an empty one at `path`."""
    whole = Node({}, Location(path))
    for document in documents:
        whole = merge(whole, document)
    return whole


def directory_of(path: str) -> str:
    return posixpath.dirname(path) or "/"
