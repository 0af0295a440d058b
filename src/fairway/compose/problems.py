"""Every problem of one load, gathered, so that all are told at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from fairway.model.app import Location, Path
from fairway.model.errors import InvalidFiles, Problem


class Use(Struct, frozen=True):
    """A variable that a value was filled in with."""

    variable: str
    at: Location
    path: Path


class Recorded(Mapping[str, str]):
    """Variables, and which of them were asked for."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.asked: dict[str, None] = {}

    def __getitem__(self, name: str) -> str:
        self.asked[name] = None
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


class Problems:
    """What is wrong (errors) and what is odd (warnings), and which paths lost their value because of it."""

    def __init__(self) -> None:
        self._errors: dict[Problem, None] = {}
        self._warnings: dict[Problem, None] = {}
        self._spoilt: set[Path] = set()
        self._around: set[Path] = set()
        self.uses: list[Use] = []

    @property
    def errors(self) -> list[Problem]:
        return list(self._errors)

    @property
    def warnings(self) -> list[Problem]:
        return list(self._warnings)

    def add(self, what: str, at: Location | None, path: Path = (), hint: str = "") -> None:
        self._errors[Problem(what, at, path, hint)] = None

    def warn(self, what: str, at: Location | None, path: Path = (), hint: str = "") -> None:
        self._warnings[Problem(what, at, path, hint)] = None

    def used(self, variables: Recorded, at: Location, path: Path) -> None:
        """The variables that the value at `path` was filled in with."""
        self.uses += [Use(name, at, path) for name in variables.asked]

    def spoil(self, path: Path) -> None:
        """The value at `path` was wrong and has been left out: what misses it later is no news."""
        self._spoilt.add(path)
        self._around |= _prefixes(path)

    def spoilt(self, path: Path) -> bool:
        """Whether the value at `path`, something around it, or something inside it was left out."""
        return path in self._around or not self._spoilt.isdisjoint(_prefixes(path))

    def raise_if_any(self) -> None:
        if self._errors:
            raise InvalidFiles(self._errors)


def _prefixes(path: Path) -> set[Path]:
    """Everything around the value at `path`, and `path` itself."""
    return {path[:length] for length in range(len(path) + 1)}
