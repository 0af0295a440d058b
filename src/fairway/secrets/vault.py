"""Secrets in HashiCorp Vault's KV engine, version 2: `ports.secrets.SecretStore`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping
from typing import Any

from fairway.model.errors import SecretError, SecretMissing, UsageError
from fairway.model.secret import Entry, Secret
from fairway.secrets.vault_errors import Answer, missing
from fairway.secrets.vault_http import Vault

NAME = "{name}"


class VaultStore:
    """With `{name}` in `path`, a secret is a path of its own, and its value in `field`; else it is a field of the one path."""

    def __init__(self, vault: Vault, mount: str, path: str, field: str = "") -> None:
        self.vault = vault
        self.mount = mount.strip("/")
        self.path = path.strip("/")
        self.apart = NAME in path
        self.field = field or ("value" if self.apart else NAME)
        self.where = f"Vault ({vault.address}, {self.mount}/{self.path})"
        self._read: dict[tuple[str, str], Answer] = {}
        """What was read already, by path and version: fields of one path are of one version."""
        self._turns: dict[str, asyncio.Lock] = {}

    async def get(self, name: str, number: str = "") -> Secret:
        path, field = self._place(name)
        answer = await self._data(path, number)
        if answer.status == 404:
            raise await self._missing(path, name, number, answer)
        values, told = _values(answer)
        if field not in values:
            raise SecretMissing(f"{self.mount}/{path} has no field {field}", hint=f"`fairway secrets set {name}`")
        return Secret(_bytes(values[field]), str(told.get("version") or ""))

    async def change(
        self, values: Mapping[str, bytes | None], by: str, expected: Mapping[str, str] | None = None
    ) -> Mapping[str, str]:
        """One path after the other, each only if nobody else has changed it since it was read."""
        by_path: dict[str, dict[str, bytes | None]] = {}
        for name, value in values.items():
            by_path.setdefault(self._place(name)[0], {})[name] = value
        found: dict[str, str] = {}
        for path, some in by_path.items():
            found |= await self._write(path, some, expected or {})
        return found

    async def names(self) -> tuple[Entry, ...]:
        if not self.apart:
            answer = await self._data(self.path, "")
            values, told = _values(answer)
            return tuple(_entry(name, str(told.get("version") or ""), told) for name in sorted(values))
        folder, _, last = self.path.rpartition("/")
        if last != NAME:
            return ()
        listed = await self.vault.call("GET", f"{self.mount}/metadata/{folder}/", params={"list": "true"})
        names = [str(key) for key in listed.data.get("keys") or () if not str(key).endswith("/")]
        newest = await asyncio.gather(*(self.versions(name) for name in names))
        return tuple(versions[-1] for versions in newest if versions and not versions[-1].state)

    async def versions(self, name: str) -> tuple[Entry, ...]:
        path, _ = self._place(name)
        answer = await self.vault.call("GET", f"{self.mount}/metadata/{path}")
        known = answer.data.get("versions") or {}
        return tuple(_entry(name, number, known[number]) for number in sorted(known, key=int))

    async def prune(self, needed: Mapping[str, Collection[str]]) -> tuple[Entry, ...]:
        """Vault forgets by itself: `max_versions` of a path says how many it keeps."""
        return ()

    async def close(self) -> None:
        await self.vault.close()

    def _place(self, name: str) -> tuple[str, str]:
        """The path in the engine, and the field there."""
        if not name.strip("/") or ".." in name.split("/"):
            raise UsageError(f"{name[:60]!r} is no name of a secret")
        return self.path.replace(NAME, name), self.field.replace(NAME, name)

    async def _data(self, path: str, number: str) -> Answer:
        async with self._turns.setdefault(path, asyncio.Lock()):
            if (path, number) not in self._read:
                params = {"version": number} if number else None
                self._read[path, number] = await self.vault.call("GET", f"{self.mount}/data/{path}", params=params)
            return self._read[path, number]

    async def _write(
        self, path: str, values: Mapping[str, bytes | None], expected: Mapping[str, str]
    ) -> Mapping[str, str]:
        self._read.clear()
        answer = await self._data(path, "")
        known, told = _values(answer)
        now = int(told.get("version") or 0)
        for name in values:
            there = str(now) if self._place(name)[1] in known else ""
            if name in expected and expected[name] != there:
                raise SecretError(
                    f"{self.mount}/{path} was changed by somebody else meanwhile",
                    hint="nothing was written there: look at it, and run it again",
                )
        made = dict(known)
        for name, value in values.items():
            field = self._place(name)[1]
            if value is None:
                made.pop(field, None)
            elif field not in made or _bytes(made[field]) != value:
                made[field] = _text(name, value)
        if made != known:
            now = await self._put(path, made, now)
        return {name: str(now) for name, value in values.items() if value is not None}

    async def _put(self, path: str, made: Mapping[str, Any], now: int) -> int:
        self._read.clear()
        if not made:
            await self.vault.call("DELETE", f"{self.mount}/data/{path}")
            return now
        body = {"options": {"cas": now}, "data": dict(made)}
        answer = await self.vault.call("POST", f"{self.mount}/data/{path}", body=body)
        if answer.status == 404:
            raise await self._missing(path, path, "", answer)
        return int(answer.data.get("version") or now + 1)

    async def _missing(self, path: str, name: str, number: str, answer: Answer) -> SecretError:
        """That there is no such secret; or why there cannot be one."""
        if answer.data:
            return missing(f"{self.mount}/{path}", name, number, answer)
        if "no handler for route" in answer.errors:
            return SecretError(f"Vault has no secrets engine at {self.mount}/", hint="`mount:` says where it is")
        told = await self.vault.ask("GET", f"sys/internal/ui/mounts/{self.mount}", token=self.vault.token)
        options = told.data.get("options") or {}
        if told.good and str(options.get("version") or "1") != "2":
            hint = f"`vault kv enable-versioning {self.mount}` makes it version 2"
            return SecretError(f"the engine at {self.mount}/ is no KV version 2", hint=hint)
        return missing(f"{self.mount}/{path}", name, number, answer)


def _values(answer: Answer) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The fields of a version, and what is known of it: nothing, where there is none."""
    data, told = answer.data.get("data"), answer.data.get("metadata")
    return dict(data) if isinstance(data, dict) else {}, told if isinstance(told, dict) else {}


def _entry(name: str, number: str, told: Mapping[str, Any]) -> Entry:
    state = "destroyed" if told.get("destroyed") else "deleted" if told.get("deletion_time") else ""
    created = str(told.get("created_time") or "")
    return Entry(name=name, number=number, at=f"{created[:19]}Z" if created else "", state=state)


def _bytes(value: Any) -> bytes:
    """Text as it is; what is none as JSON."""
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{name} is no text, and Vault keeps nothing else", hint="write it in base64") from None
