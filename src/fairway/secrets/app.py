"""The secrets of an application: as Compose has them, from files or variables; external ones from where the environment keeps them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from pathlib import Path

from fairway.model.app import App
from fairway.model.errors import FairwayError, InvalidFiles, Problem, SecretError, SecretMissing
from fairway.model.files import FileObject
from fairway.model.release import Release
from fairway.model.secret import Secret, identity
from fairway.ports.secrets import SecretStore


class AppSecrets:
    """`environ` is where `environment:` is looked up; `store` opens what keeps the external ones, once one is wanted."""

    def __init__(
        self, environ: Mapping[str, str] | None = None, store: Callable[[], SecretStore] | None = None
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._open = store
        self._store: SecretStore | None = None
        self.trouble: SecretError | None = None
        """Why the store gave nothing, the last time it was asked for something pinned."""

    async def values(self, app: App, keys: Collection[str]) -> Mapping[str, Secret]:
        """The secrets of these keys. Raises InvalidFiles with all that are missing, SecretError where the store cannot be read."""
        wanted = sorted(set(keys) & app.secrets.keys())
        found = await asyncio.gather(*(self._value(key, app.secrets[key], app) for key in wanted))
        problems = [one for one in found if isinstance(one, Problem)]
        if problems:
            raise InvalidFiles(problems)
        return {key: value for key, value in zip(wanted, found, strict=True) if isinstance(value, Secret)}

    async def pinned(self, release: Release) -> Mapping[str, Secret]:
        """The secrets of a release in the versions that it pins, as far as they can be had."""
        self.trouble = None
        keys = sorted(release.secrets.keys() & release.app.secrets.keys())
        found = await asyncio.gather(*(self._pinned(release, key) for key in keys))
        return {key: value for key, value in zip(keys, found, strict=True) if value is not None}

    async def close(self) -> None:
        if self._store is not None:
            await self._store.close()

    async def _pinned(self, release: Release, key: str) -> Secret | None:
        async for value in self._candidates(release, key):
            if await asyncio.to_thread(identity, release.environment.key, key, value) == release.secrets[key]:
                return value
        return None

    async def _candidates(self, release: Release, key: str) -> AsyncIterator[Secret]:
        """What may be the value that it pins: the likeliest first. Neither a number nor a name says for certain."""
        secret, number = release.app.secrets[key], release.secret_numbers.get(key, "")
        if not secret.external:
            value = await self._value(key, secret, release.app)
            if isinstance(value, Secret):
                yield value
            return
        store = self.store
        tried = {number, ""} if number else {""}
        for one in (number, "") if number else ("",):
            if had := await self._had(store, secret.name, one):
                tried.add(had.number)
                yield had
        for entry in reversed(await self._versions(store, secret.name)):
            if entry not in tried and (had := await self._had(store, secret.name, entry)):
                yield had

    async def _had(self, store: SecretStore, name: str, number: str) -> Secret | None:
        try:
            return await store.get(name, number)
        except SecretMissing:
            return None
        except SecretError as error:
            self.trouble = error
            return None
        except FairwayError:
            return None

    async def _versions(self, store: SecretStore, name: str) -> list[str]:
        try:
            return [entry.number for entry in await store.versions(name) if not entry.state]
        except FairwayError:
            return []

    @property
    def store(self) -> SecretStore:
        if self._store is None:
            if self._open is None:
                raise SecretError("nothing says where external secrets are kept")
            self._store = self._open()
        return self._store

    async def _value(self, key: str, secret: FileObject, app: App) -> Secret | Problem:
        if secret.external:
            try:
                return await self.store.get(secret.name)
            except SecretMissing as error:
                what = f"{error.what}: {error.why}" if error.why else error.what
                return _problem(key, "external", app, what, error.hint)
        return await asyncio.to_thread(self._here, key, secret, app)

    def _here(self, key: str, secret: FileObject, app: App) -> Secret | Problem:
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
        return _problem(key, "", app, "it has no value", "Give it `file`, `environment`, or `external: true`.")


def _unset(key: str, variable: str, app: App) -> Problem:
    return _problem(key, "environment", app, f"the variable {variable} is not set", f"export {variable}=…")


def _unreadable(key: str, file: str, error: OSError, app: App) -> Problem:
    if isinstance(error, FileNotFoundError):
        return _problem(key, "file", app, f"there is no file {file}", "Create it, and keep it out of version control.")
    return _problem(key, "file", app, f"{file} cannot be read: {error.strerror}")


def _problem(key: str, field: str, app: App, what: str, hint: str = "") -> Problem:
    path = ("secrets", key, field) if field else ("secrets", key)
    return Problem(what, app.where(*path), path, hint)
