"""Where an application runs."""

from __future__ import annotations

from msgspec import Struct


class Environment(Struct, frozen=True):
    """A named place to run an App. `key` prefixes every name that Fairway makes on an engine."""

    app: str
    name: str

    @property
    def key(self) -> str:
        return f"{self.app}-{self.name}"

    def __str__(self) -> str:
        return f"{self.app} {self.name}"
