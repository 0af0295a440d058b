"""Secrets in variables of whoever deploys: `ports.secrets.SecretStore`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from fairway.model.errors import SecretMissing
from fairway.model.secret import Entry, Secret
from fairway.secrets.unversioned import Unversioned


class EnvironmentStore(Unversioned):
    """The secret `db-password` is the variable PREFIX + DB_PASSWORD."""

    def __init__(self, prefix: str = "", environ: Mapping[str, str] = os.environ) -> None:
        self.prefix = prefix
        self.environ = environ
        self.where = f"the environment ({prefix}…)" if prefix else "the environment"

    def variable(self, name: str) -> str:
        return self.prefix + re.sub(r"[^A-Z0-9]", "_", name.upper())

    async def newest(self, name: str) -> Secret:
        variable = self.variable(name)
        if variable not in self.environ:
            raise SecretMissing(f"the variable {variable} is not set", hint=f"export {variable}=…")
        return Secret(os.fsencode(self.environ[variable]))

    async def names(self) -> tuple[Entry, ...]:
        """With a prefix only: nothing else tells which variables are meant."""
        found = sorted(name for name in self.environ if self.prefix and name.startswith(self.prefix))
        return tuple(Entry(name=name.removeprefix(self.prefix).lower()) for name in found)
