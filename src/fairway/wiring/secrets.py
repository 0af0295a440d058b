"""Where an environment's secrets are kept: settings → a store. The stores are imported when they are opened."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING

from fairway.flows.context import now

if TYPE_CHECKING:
    from fairway.model.secret import Recipient
    from fairway.ports.secrets import SecretStore
    from fairway.secrets.age import AgeStore
    from fairway.secrets.app import AppSecrets
    from fairway.settings.secrets_model import SecretsSettings
    from fairway.wiring.checkout import Project

AGE_FILE = "secrets/{environment}.age"


def silent(said: str) -> None:
    """Nobody listens."""


class LateSecrets:
    """The secrets of an environment's applications, imported and opened when they are first asked for: `ps` needs none."""

    def __init__(self, project: Project, environment: str) -> None:
        self._project = project
        self._environment = environment
        self._opened: AppSecrets | None = None

    def open(self) -> AppSecrets:
        if self._opened is None:
            from fairway.secrets.app import AppSecrets

            project, name = self._project, self._environment
            self._opened = AppSecrets(project.variables(name), lambda: store(project, name))
        return self._opened

    async def close(self) -> None:
        if self._opened:
            await self._opened.close()


def store(project: Project, environment: str, *, tell: Callable[[str], None] = silent, me: str = "") -> SecretStore:
    """`me` is user@machine. Nothing is opened yet."""
    said = project.settings.secrets_of(environment)
    match said.store:
        case "environment":
            from fairway.secrets.environment import EnvironmentStore

            return EnvironmentStore(filled(project, environment, said.prefix or ""))
        case "files":
            from fairway.secrets.directory import DirectoryStore

            shown = filled(project, environment, said.directory or "")
            return DirectoryStore(project.directory / shown, shown)
        case "command":
            from fairway.secrets.command import CommandStore

            words = tuple(filled(project, environment, word) for word in said.command or ())
            return CommandStore(words, project.directory)
        case "vault":
            return _vault(project, environment, said)
        case _:
            return age(project, environment, tell=tell, me=me)


def age(project: Project, environment: str, *, tell: Callable[[str], None] = silent, me: str = "") -> AgeStore:
    """The age file of an environment. Raises UsageError where it keeps its secrets elsewhere."""
    from fairway.model.errors import UsageError
    from fairway.secrets.age import AgeStore

    said = project.settings.secrets_of(environment)
    if said.store != "age":
        raise UsageError(f"{environment} keeps its secrets in no age file", hint=f"it has `store: {said.store}`")
    shown = filled(project, environment, said.file or AGE_FILE)
    return AgeStore(project.directory / shown, shown, now=now, tell=tell, me=me)


def recipients_in(said: str, name: str) -> tuple[Recipient, ...]:
    """A public key, or those in a file. Raises UsageError."""
    from fairway.secrets.recipients import read

    return read(said, name)


async def printed(project: Project, command: str, name: str) -> bytes:
    """What a command prints, without its last line break. Raises SecretError."""
    from fairway.secrets.command import run

    return await run(shlex.split(command), project.directory, name)


def filled(project: Project, environment: str, text: str) -> str:
    """With the names of the environment and of the application; `{name}` stays."""
    text = text.replace("{environment}", environment)
    return text.replace("{app}", project.environment(environment).app) if "{app}" in text else text


def _vault(project: Project, environment: str, said: SecretsSettings) -> SecretStore:
    from fairway.secrets.vault import VaultStore
    from fairway.secrets.vault_auth import Login
    from fairway.secrets.vault_http import Vault

    def path(given: str | None) -> str | None:
        return str(project.directory / filled(project, environment, given)) if given else None

    auth = said.auth
    login = Login(
        token_file=path(auth.token_file) if auth else None,
        role_id=auth.role_id if auth else None,
        secret_id_file=path(auth.secret_id_file) if auth else None,
        mount=auth.mount if auth else "approle",
        wrapped=bool(auth and auth.wrapped),
        environ=os.environ,
    )
    vault = Vault(
        said.address or os.environ.get("VAULT_ADDR", ""),
        login,
        namespace=said.namespace or os.environ.get("VAULT_NAMESPACE", ""),
        ca=path(said.ca) or os.environ.get("VAULT_CACERT"),
    )
    return VaultStore(vault, said.mount or "secret", filled(project, environment, said.path or ""), said.field or "")
