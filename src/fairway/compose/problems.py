"""Every problem of one load, gathered, so that all are told at once."""

from __future__ import annotations

from fairway.model.app import Location, Path
from fairway.model.errors import InvalidFiles, Problem


class Problems:
    """What is wrong (errors) and what is odd (warnings), and which paths lost their value because of it."""

    def __init__(self) -> None:
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []
        self._spoilt: set[Path] = set()

    def add(self, what: str, at: Location | None, path: Path = (), hint: str = "") -> None:
        problem = Problem(what, at, path, hint)
        if problem not in self.errors:
            self.errors.append(problem)

    def warn(self, what: str, at: Location | None, path: Path = (), hint: str = "") -> None:
        problem = Problem(what, at, path, hint)
        if problem not in self.warnings:
            self.warnings.append(problem)

    def spoil(self, path: Path) -> None:
        """The value at `path` was wrong and has been left out: what misses it later is no news."""
        self._spoilt.add(path)

    def spoilt(self, path: Path) -> bool:
        """Whether the value at `path`, something around it, or something inside it was left out."""
        return any(path[: len(other)] == other or other[: len(path)] == path for other in self._spoilt)

    def raise_if_any(self) -> None:
        if self.errors:
            raise InvalidFiles(self.errors)
