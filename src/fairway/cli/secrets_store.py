"""What the commands of `fairway secrets` share: the environment that is meant, and where it keeps its secrets."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from fairway import wiring
from fairway.cli.common import Common, show, warn, whoami
from fairway.cli.common import environment as chosen
from fairway.model.app import App
from fairway.model.errors import InvalidFiles, SecretMissing, UsageError
from fairway.ports.secrets import SecretStore
from fairway.wiring.secrets import store

Environment = str | None


class Opened(Struct, frozen=True):
    project: wiring.Project
    name: str
    store: SecretStore

    def app(self) -> App | None:
        """None where its files are not right: that is no reason not to see to secrets."""
        try:
            return self.project.app(self.name)
        except InvalidFiles:
            return None

    async def give(self, name: str, value: bytes) -> None:
        """A new value, and what became of it told."""
        try:
            before = (await self.store.get(name)).number
        except SecretMissing:
            before = ""
        number = (await self.store.change({name: value}, whoami())).get(name, "")
        if number and before == number:
            show(f"{name} has this value already: version {number} in {self.store.where}")
        else:
            version = f"version {number} of {name}" if number else name
            commit = "commit it; " if self.project.settings.secrets_of(self.name).store == "age" else ""
            show(f"{version} is in {self.store.where}: {commit}the next deployment brings it")


@asynccontextmanager
async def opened(options: Common, environment: str | None) -> AsyncIterator[Opened]:
    project = wiring.project(options.directory)
    name = chosen(project.settings, environment)
    found = store(project, name, tell=warn, me=whoami())
    try:
        yield Opened(project, name, found)
    finally:
        await found.close()


def given(name: str, file: Path | None) -> bytes:
    """The value that somebody types, pipes, or has in a file. Raises UsageError."""
    if file is not None:
        try:
            value = file.read_bytes()
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    elif sys.stdin.isatty():
        value = _typed(name)
    else:
        value = sys.stdin.buffer.read()
        if value.endswith(b"\n") and value.count(b"\n") == 1:
            warn("the value ends with a line break, which is part of it now: `printf %s` writes none")
    if not value:
        raise UsageError(
            f"{name} would be empty", hint=f"pipe the value in, or `fairway secrets set {name} --file FILE`"
        )
    return value


def _typed(name: str) -> bytes:
    from getpass import getpass

    value = getpass(f"{name}: ")
    if getpass(f"{name}, again: ") != value:
        raise UsageError("the two are not the same", hint="nothing was changed")
    return value.encode()
