"""What fairway.yaml says about the services in one environment, and where."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from fairway.model.app import App, Location, Path
from fairway.model.errors import Problem
from fairway.settings.model import ServiceSettings, Settings


@dataclass(frozen=True, slots=True)
class Said:
    """Settings beside the application that they are about. `problems` fills up on the way."""

    settings: Settings
    app: App
    environment: str | None
    problems: list[Problem] = field(default_factory=list)

    def of(self, service: str) -> ServiceSettings:
        """The whole file's word, and over it the environment's."""
        said = self.settings.services.get(service) or ServiceSettings()
        if self.environment is None:
            return said
        here = self.settings.environments[self.environment].services.get(service)
        return _over(said, here) if here else said

    def place(self, *path: str) -> tuple[Location, Path]:
        """Where a service's key is written: in the environment, if it is there."""
        inner = ("environments", self.environment or "", "services", *path)
        full = inner if inner in self.settings.locations else ("services", *path)
        return self.settings.where(*full), full

    def wrong(self, what: str, *path: str, hint: str = "") -> None:
        where, full = self.place(*path)
        self.problems.append(Problem(what, where, full, hint))


def _over(base: Any, said: Any) -> Any:
    """`base` with what `said` says instead; what it leaves out stays."""
    changes = {}
    for name in (item.name for item in fields(said)):
        old, new = getattr(base, name), getattr(said, name)
        if is_dataclass(new) and type(new) is type(old):
            changes[name] = _over(old, new)
        elif new not in (None, ()):
            changes[name] = new
    if "host" in changes or "hosts" in changes:
        changes = {"host": None, "hosts": (), **changes}
    return replace(base, **changes)
