"""What stores have in common that keep the newest value of each secret alone: then the hosts keep what releases pin."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fairway.model.errors import SecretMissing, UsageError
from fairway.model.secret import Entry, Secret


class Unversioned:
    """`where` is for people."""

    where: str

    async def get(self, name: str, number: str = "") -> Secret:
        if number:
            raise SecretMissing(f"{self.where}: there is one version of {name}, and no number {number}")
        return await self.newest(name)

    async def newest(self, name: str) -> Secret:
        """Raises SecretMissing, SecretError."""
        raise NotImplementedError

    async def change(
        self, values: Mapping[str, bytes | None], by: str, expected: Mapping[str, str] | None = None
    ) -> Mapping[str, str]:
        raise UsageError(f"{self.where} is only read by Fairway", hint="change the value there")

    async def versions(self, name: str) -> tuple[Entry, ...]:
        return ()

    async def prune(self, needed: Mapping[str, Collection[str]]) -> tuple[Entry, ...]:
        return ()

    async def close(self) -> None:
        pass
