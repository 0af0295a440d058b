"""Secrets as Compose knows them: from files beside the application, or from variables of whoever deploys."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from fairway.model.app import App
from fairway.model.errors import InvalidFiles, Problem
from fairway.model.files import FileObject
from fairway.model.secret import Secret


class FileSecrets:
    """ports.SecretStore. `environ` is where `environment:` is looked up, the process's own where it is None."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ

    async def values(self, app: App) -> Mapping[str, bytes]:
        """The secrets that a service or a build uses; external ones are the engine's. Raises InvalidFiles with all that are missing."""
        values: dict[str, bytes] = {}
        problems: list[Problem] = []
        for key in sorted(used(app) & app.secrets.keys()):
            found = await asyncio.to_thread(self._value, key, app.secrets[key], app)
            if isinstance(found, Problem):
                problems.append(found)
            elif found is not None:
                values[key] = found
        if problems:
            raise InvalidFiles(problems)
        return values

    def _value(self, key: str, secret: FileObject, app: App) -> Secret | Problem | None:
        if secret.external:
            return None
        if secret.content is not None:
            return Secret(secret.content.encode())
        if secret.environment is not None:
            value = self._environ.get(secret.environment)
            return Secret(os.fsencode(value)) if value is not None else _unset(key, secret.environment, app)
        if secret.file is not None:
            try:
                return Secret(Path(secret.file).read_bytes())
            except OSError as error:
                return _unreadable(key, secret.file, error, app)
        return _problem(key, "", app, "it has no value", "Give it `file` or `environment`.")


def used(app: App) -> set[str]:
    """The keys of the secrets that a service mounts or a build needs."""
    mounts = [
        mount
        for service in app.services.values()
        for mount in (*service.secrets, *(service.build.secrets if service.build else ()))
    ]
    return {mount.source for mount in mounts}


def _unset(key: str, variable: str, app: App) -> Problem:
    return _problem(key, "environment", app, f"the variable {variable} is not set", f"export {variable}=…")


def _unreadable(key: str, file: str, error: OSError, app: App) -> Problem:
    if isinstance(error, FileNotFoundError):
        return _problem(key, "file", app, f"there is no file {file}", "Create it, and keep it out of version control.")
    return _problem(key, "file", app, f"{file} cannot be read: {error.strerror}")


def _problem(key: str, field: str, app: App, what: str, hint: str = "") -> Problem:
    path = ("secrets", key, field) if field else ("secrets", key)
    return Problem(what, app.where(*path), path, hint)
