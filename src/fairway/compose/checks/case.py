"""What every check looks at."""

from __future__ import annotations

from msgspec import Struct

from fairway.compose.node import Node
from fairway.compose.problems import Problems
from fairway.compose.profiles import is_active
from fairway.model.app import App, Location, Path, Service


class Case(Struct, frozen=True):
    """The application, the document that it was made of, the active profiles, and the place for problems."""

    app: App
    document: Node
    profiles: frozenset[str]
    problems: Problems
    secret_prefix: str = ""
    """Variables that begin so hold secrets."""

    def tell(self, what: str, *path: str, hint: str = "") -> None:
        self.problems.add(what, self._where(path), path, hint)

    def warn(self, what: str, *path: str, hint: str = "") -> None:
        self.problems.warn(what, self._where(path), path, hint)

    def _where(self, path: Path) -> Location:
        """What nobody wrote is missing in the first file."""
        return self.app.where(*path) if path[:1] in self.app.locations else self.document.at

    @property
    def active(self) -> list[Service]:
        return [service for service in self.app.services.values() if is_active(service, self.profiles)]
