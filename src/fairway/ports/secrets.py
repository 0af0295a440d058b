"""Where the values of secrets are kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from fairway.model.secret import Entry, Recipient, Secret


class SecretStore(Protocol):
    """Names are those in the store. Every call may raise SecretError: locked, sealed, not to be reached, changed meanwhile.

    A store that cannot do what is asked (write, count versions) raises UsageError.
    """

    where: str
    """For people."""

    async def get(self, name: str, number: str = "") -> Secret:
        """The newest value, or that of one version. Raises SecretMissing."""

    async def change(
        self, values: Mapping[str, bytes | None], by: str, expected: Mapping[str, str] | None = None
    ) -> Mapping[str, str]:
        """New values where they differ from what is there; None removes. The number that each has now, if any.

        Raises SecretError where the newest version of one is not the `expected` one (none: empty): somebody else has changed it.
        """

    async def names(self) -> tuple[Entry, ...]:
        """The newest version of all that there are, by name."""

    async def versions(self, name: str) -> tuple[Entry, ...]:
        """All that are known of, the oldest first; none where versions are not counted."""

    async def prune(self, needed: Mapping[str, Collection[str]]) -> tuple[Entry, ...]:
        """Forget the versions that are neither the newest nor needed (numbers by name); those that went."""

    async def close(self) -> None:
        """Nothing is asked any more."""


class Readers(Protocol):
    """Who can read a file of secrets. Raises SecretError."""

    where: str

    async def recipients(self) -> tuple[Recipient, ...]: ...

    async def admit(self, more: tuple[Recipient, ...]) -> None:
        """They can read it from now on, all that is in it."""

    async def dismiss(self, said: str) -> None:
        """Whoever has this key, or this name, cannot read what is written from now on. Raises UsageError."""
