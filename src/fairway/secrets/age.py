"""Secrets in an age file in the repository: `ports.secrets.SecretStore`. One ciphertext: nobody sees which value has changed."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from fairway.model.errors import SecretError, SecretMissing
from fairway.model.secret import Entry, Recipient, Secret
from fairway.secrets import atomic, document, identities, recipients
from fairway.secrets.document import Document

ARMOR = b"-----BEGIN AGE ENCRYPTED FILE-----"


def silent(said: str) -> None:
    """Nobody listens."""


class AgeStore:
    """`shown` is the file as people know it; `now` gives ISO 8601 UTC; `tell` is told what somebody should know.

    `me` is user@machine, for the list of those who can read it.
    """

    def __init__(
        self,
        path: Path,
        shown: str,
        *,
        environ: Mapping[str, str] = os.environ,
        now: Callable[[], str] = lambda: "",
        tell: Callable[[str], None] = silent,
        me: str = "",
    ) -> None:
        self.path = path
        self.where = shown
        self.environ = environ
        self.now = now
        self.tell = tell
        self.me = me
        self._turn = threading.Lock()
        self._known: tuple[bytes, Document] | None = None
        """What was read last, and what it is."""

    async def get(self, name: str, number: str = "") -> Secret:
        found = await self._open()
        value = found.find(name, number)
        if value is not None:
            return value
        raise SecretMissing(
            f"there is no secret {name} in {self.where}"
            if not number
            else f"{self.where} has no version {number} of {name}",
            hint=f"`fairway secrets set {name}`" if not number else "",
        )

    async def change(
        self, values: Mapping[str, bytes | None], by: str, expected: Mapping[str, str] | None = None
    ) -> Mapping[str, str]:
        def change(known: Document) -> Document:
            self._refuse_unexpected(known, values, expected or {})
            return document.changed(known, values, at=self.now(), by=by)

        made = await self._rewrite(change)
        return {name: str(made.secrets[name][-1].number) for name in values if name in made.secrets}

    async def names(self) -> tuple[Entry, ...]:
        found = (await self._open()).newest()
        return tuple(document.entry(name, version) for name, version in sorted(found.items()))

    async def versions(self, name: str) -> tuple[Entry, ...]:
        found = await self._open()
        return tuple(document.entry(name, version) for version in found.secrets.get(name, ()))

    async def prune(self, needed: Mapping[str, Collection[str]]) -> tuple[Entry, ...]:
        gone: tuple[Entry, ...] = ()

        def prune(known: Document) -> Document:
            nonlocal gone
            left, gone = document.pruned(known, needed)
            return left

        await self._rewrite(prune)
        return gone

    async def close(self) -> None:
        pass

    async def recipients(self) -> tuple[Recipient, ...]:
        return (await self._open()).recipients

    async def admit(self, more: tuple[Recipient, ...]) -> None:
        """They can read it from now on."""
        await self._rewrite(lambda known: replace(known, recipients=recipients.added(known.recipients, more)))

    async def dismiss(self, said: str) -> None:
        """Whoever has this key, or this name, cannot read what is written from now on. Raises UsageError."""
        await self._rewrite(lambda known: replace(known, recipients=recipients.without(known.recipients, said)))

    async def _open(self) -> Document:
        return (await asyncio.to_thread(self._read))[1]

    async def _rewrite(self, change: Callable[[Document], Document]) -> Document:
        return await asyncio.to_thread(self._write, change)

    def _refuse_unexpected(self, known: Document, names: Iterable[str], expected: Mapping[str, str]) -> None:
        newest = {name: str(version.number) for name, version in known.newest().items()}
        other = sorted(name for name in names if name in expected and newest.get(name, "") != expected[name])
        if other:
            raise SecretError(
                f"{', '.join(other)} in {self.where} was changed by somebody else meanwhile",
                hint="nothing was written: look at it, and run it again",
            )

    def _read(self) -> tuple[bytes, Document]:
        data = self._bytes()
        if not data:
            return data, Document()
        with self._turn:
            if self._known is None or self._known[0] != data:
                self._known = data, document.decode(self._decrypted(data), self.where)
            return self._known

    def _bytes(self) -> bytes:
        """What is in the file; nothing where there is none."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise SecretError(f"{self.where} cannot be read", why=error.strerror or "") from None
        if b"<<<<<<< " in data:
            raise SecretError(
                f"two versions of {self.where} have met in a merge",
                hint="take one of them (git checkout --ours or --theirs), and set again what the other one had changed: "
                f"{names_of(self.path).name} tells the names",
            )
        return data

    def _decrypted(self, data: bytes) -> bytes:
        import pyrage

        keys = identities.keys(self.environ)
        try:
            plain: bytes = pyrage.decrypt(data, [identity.key for identity in keys.identities])
        except pyrage.DecryptError as error:
            raise self._closed(keys, str(error)) from None
        return plain

    def _closed(self, keys: identities.Keys, said: str) -> SecretError:
        faults = [f"{file}: {fault}" for file, fault in keys.faults.items()]
        if "No matching keys" not in said:
            return SecretError(
                f"{self.where} is damaged", why=said, hint="`git log` shows who changed it; take an earlier one"
            )
        tried = [f"{identity.file}: it is not one of those who can read the file" for identity in keys.identities]
        nothing = [] if tried or faults else [f"there is no key in {' or '.join(keys.looked)}"]
        return SecretError(
            f"{self.where} cannot be opened with the keys that there are here",
            why="\n".join([*tried, *faults, *nothing]),
            hint="somebody who can has to `fairway secrets recipients add` your public key; "
            f"{identities.VARIABLE} names a key file that is elsewhere",
        )

    def _write(self, change: Callable[[Document], Document]) -> Document:
        """One writer at a time; a Git that changes the file knows nothing of that, so it is looked at once more."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with atomic.locked(self.path.parent):
                base, known = self._read()
                made = change(known)
                if made == known:
                    return made
                if not known.recipients:
                    made = replace(made, recipients=recipients.added((self._myself(),), made.recipients))
                data = self._encrypted(made)
                if self._bytes() != base:
                    raise SecretError(
                        f"{self.where} was changed by somebody else meanwhile", hint="nothing was written: run it again"
                    )
                atomic.write(self.path, data, 0o644)
                atomic.write(names_of(self.path), document.names(made, self.path.name).encode(), 0o644)
        except OSError as error:
            raise SecretError(f"{self.where} cannot be written", why=error.strerror or str(error)) from None
        self._known = data, made
        return made

    def _encrypted(self, made: Document) -> bytes:
        """Armoured, and seen to open again with a key that is here: nobody locks themselves out."""
        import pyrage

        keys: list[Any] = [recipients.understood(recipient) for recipient in made.recipients]
        data: bytes = pyrage.encrypt(document.encode(made), keys, armored=True)
        try:
            self._decrypted(data)
        except SecretError as error:
            raise SecretError(
                f"you could not open {self.where} yourself afterwards: nothing was written",
                why=error.why,
                hint="add a key of yours first; somebody else may remove you",
            ) from None
        return data

    def _myself(self) -> Recipient:
        """Who begins a file can read it, with a key that is made where there is none."""
        keys = identities.keys(self.environ)
        if keys.identities:
            return Recipient(identities.public(keys.identities[0]), self.me)
        if identities.VARIABLE in self.environ:
            raise self._closed(keys, "No matching keys")
        try:
            made = identities.generate(self.environ)
        except OSError as error:
            raise SecretError(f"{identities.own(self.environ)} cannot be written", why=error.strerror or "") from None
        self.tell(f"made your key, {made.file}: keep a copy of it, for without a key nobody can open {self.where}")
        return Recipient(identities.public(made), self.me)


def names_of(path: Path) -> Path:
    """The file beside it with the names, for everybody to read."""
    return path.with_suffix(".names")
