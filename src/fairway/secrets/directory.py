"""Secrets in files, one each: `ports.secrets.SecretStore`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from fairway.model.errors import SecretError, SecretMissing, UsageError
from fairway.model.secret import Entry, Secret
from fairway.secrets import atomic
from fairway.secrets.unversioned import Unversioned


class DirectoryStore(Unversioned):
    """A value is its file's bytes, all of them. `shown` is the directory as people know it."""

    def __init__(self, path: Path, shown: str) -> None:
        self.path = path
        self.where = shown

    async def newest(self, name: str) -> Secret:
        return await asyncio.to_thread(self._read, name)

    async def change(
        self, values: Mapping[str, bytes | None], by: str, expected: Mapping[str, str] | None = None
    ) -> Mapping[str, str]:
        await asyncio.to_thread(self._write, values)
        return {}

    async def names(self) -> tuple[Entry, ...]:
        return await asyncio.to_thread(self._list)

    def _file(self, name: str) -> Path:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name):
            raise UsageError(f"{name[:60]!r} can be no file in {self.where}", hint="letters, digits, `.`, `_` and `-`")
        return self.path / name

    def _read(self, name: str) -> Secret:
        file = self._file(name)
        try:
            return Secret(file.read_bytes())
        except FileNotFoundError:
            raise SecretMissing(
                f"there is no file {self.where}/{name}", hint=f"`fairway secrets set {name}`, or write it"
            ) from None
        except OSError as error:
            raise SecretError(f"{self.where}/{name} cannot be read", why=error.strerror or "") from None

    def _write(self, values: Mapping[str, bytes | None]) -> None:
        files = {name: self._file(name) for name in values}
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            with atomic.locked(self.path):
                for name, value in values.items():
                    if value is None:
                        files[name].unlink(missing_ok=True)
                    else:
                        atomic.write(files[name], value, 0o600)
        except OSError as error:
            raise SecretError(f"{self.where} cannot be written", why=error.strerror or "") from None

    def _list(self) -> tuple[Entry, ...]:
        try:
            files = sorted(file for file in self.path.iterdir() if file.is_file() and not file.name.startswith("."))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise SecretError(f"{self.where} cannot be read", why=error.strerror or "") from None
        return tuple(Entry(name=file.name, at=_time(file)) for file in files)


def _time(file: Path) -> str:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
