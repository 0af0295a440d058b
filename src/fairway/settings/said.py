"""What fairway.yaml says about the services in one environment, and where."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field
from msgspec.structs import fields, replace

from fairway.model.app import App, Location, Path
from fairway.model.errors import Problem
from fairway.settings.fitting import left_out
from fairway.settings.model import ServiceSettings, Settings
from fairway.settings.rollout_model import ProbeSettings, RolloutSettings


class Said(Struct, frozen=True):
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
        return _over(replace(said, rollout=_fitting(said.rollout, here.rollout)), here) if here else said

    @property
    def storage(self) -> str:
        """Where hosts keep secrets, unless a service says otherwise."""
        said = self.settings.secrets_of(self.environment) if self.environment else self.settings.secrets
        return said.storage or "disk"

    def place(self, *path: str) -> tuple[Location, Path]:
        """Where a service's key is written: in the environment, if it is there."""
        inner = ("environments", self.environment or "", "services", *path)
        full = inner if inner in self.settings.locations else ("services", *path)
        return self.settings.where(*full), full

    def item(self, path: Path, index: str) -> Path:
        """The path of an item in the list at a service's `path`: the list's own where one item stands there alone."""
        _, full = self.place(*path)
        return (*path, index) if (*full, index) in self.settings.locations else path

    def wrong(self, what: str, *path: str, hint: str = "") -> None:
        where, full = self.place(*path)
        self.problems.append(Problem(what, where, full, hint))


def _fitting(said: RolloutSettings, here: RolloutSettings) -> RolloutSettings:
    """What the whole file says, without what means nothing with another strategy that an environment names."""
    if here.strategy is None or said.strategy in (None, here.strategy):
        return said
    return replace(said, **dict.fromkeys(left_out(said.strategy, here.strategy)))


def _over(base: Any, said: Any) -> Any:
    """`base` with what `said` says instead; what it leaves out stays."""
    changes = {}
    for name, default in ((item.name, item.default) for item in fields(said)):
        old, new = getattr(base, name), getattr(said, name)
        if isinstance(new, Struct) and type(new) is type(old):
            changes[name] = _over(old, new)
        elif new is not None and (new != () or default is None):
            changes[name] = new
    if "host" in changes or "hosts" in changes:
        changes = {"host": None, "hosts": (), **changes}
    if isinstance(said, ProbeSettings) and changes.keys() & set(ProbeSettings.FORMS):
        changes = {**dict.fromkeys(ProbeSettings.FORMS), **changes}
    return replace(base, **changes)
