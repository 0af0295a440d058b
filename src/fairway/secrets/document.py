"""What an age file holds: recipients, and every version of every secret that is still needed. JSON, and back to an equal one. Pure."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from fairway.model.errors import SecretError
from fairway.model.secret import Entry, Recipient, Secret

BLOCK = 4096
"""Bytes: the text is filled up to a multiple, so that the file's size tells little of what changed."""


class Version(Struct, frozen=True, kw_only=True):
    """`value` None: the secret was removed. `at` is ISO 8601 UTC, `by` user@machine."""

    number: int
    value: Secret | None
    at: str = ""
    by: str = ""


class Document(Struct, frozen=True, kw_only=True):
    """`secrets` has the versions of each, the oldest first: at least one."""

    recipients: tuple[Recipient, ...] = ()
    secrets: Mapping[str, tuple[Version, ...]] = field(default_factory=dict)

    def newest(self) -> dict[str, Version]:
        """Of the secrets that are not removed."""
        return {name: versions[-1] for name, versions in self.secrets.items() if versions[-1].value is not None}

    def find(self, name: str, number: str = "") -> Secret | None:
        """The newest value, or that of a version. None where there is none (any more)."""
        versions = self.secrets.get(name, ())
        found = versions[-1:] if not number else [one for one in versions if str(one.number) == number]
        return next((Secret(one.value, str(one.number)) for one in found if one.value is not None), None)


def changed(document: Document, values: Mapping[str, bytes | None], *, at: str, by: str) -> Document:
    """With a new version of each secret whose value is another one; None removes it, and its old versions stay."""
    secrets = dict(document.secrets)
    for name, value in values.items():
        versions = secrets.get(name, ())
        now = versions[-1].value if versions else None
        if now == value:
            continue
        number = versions[-1].number + 1 if versions else 1
        made = Version(number=number, value=None if value is None else Secret(value), at=at, by=by)
        secrets[name] = (*versions, made)
    return replace(document, secrets=secrets)


def pruned(document: Document, needed: Mapping[str, Collection[str]]) -> tuple[Document, tuple[Entry, ...]]:
    """Without the versions that are neither the newest nor `needed` (numbers by name); and what went."""
    secrets, gone = {}, []
    for name, versions in document.secrets.items():
        stay = {*needed.get(name, ()), str(versions[-1].number)}
        secrets[name] = tuple(one for one in versions if str(one.number) in stay)
        gone += [entry(name, one) for one in versions if str(one.number) not in stay]
    return replace(document, secrets=secrets), tuple(gone)


def entry(name: str, version: Version) -> Entry:
    state = "removed" if version.value is None else ""
    return Entry(name=name, number=str(version.number), at=version.at, by=version.by, state=state)


class _Version(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """As it is written: text is text, for people who open the file with age."""

    number: int
    value: str | None = None
    base64: str | None = None
    at: str = ""
    by: str = ""


class _Written(Struct, frozen=True, kw_only=True):
    fairway: int
    recipients: tuple[Recipient, ...]
    secrets: dict[str, tuple[_Version, ...]]


def encode(document: Document) -> bytes:
    written = _Written(
        fairway=1,
        recipients=document.recipients,
        secrets={name: tuple(map(_written, document.secrets[name])) for name in sorted(document.secrets)},
    )
    text = msgspec.json.format(msgspec.json.encode(written), indent=1)
    return text + b" " * (-(len(text) + 1) % BLOCK) + b"\n"


def _written(version: Version) -> _Version:
    value, text, binary = version.value, None, None
    if value is not None:
        try:
            text = value.decode()
        except UnicodeDecodeError:
            binary = base64.b64encode(value).decode()
    return _Version(number=version.number, value=text, base64=binary, at=version.at, by=version.by)


def decode(data: bytes, where: str) -> Document:
    """Raises SecretError for what is no such text; without its words, for these may be secrets."""
    try:
        written = msgspec.json.decode(data, type=_Written)
        secrets = {name: tuple(map(_read, versions)) for name, versions in written.secrets.items()}
        good = written.fairway == 1 and all(map(_in_order, secrets.values()))
    except ValueError:
        good = False
    if not good:
        raise SecretError(
            "what is in it is not Fairway's",
            where=where,
            hint="was it written by a newer Fairway? else `git log` shows who changed it",
        )
    return Document(recipients=written.recipients, secrets=secrets)


def _read(written: _Version) -> Version:
    value = None if written.value is None else Secret(written.value.encode())
    if written.base64 is not None:
        value = Secret(base64.b64decode(written.base64, validate=True))
    return Version(number=written.number, value=value, at=written.at, by=written.by)


def _in_order(versions: tuple[Version, ...]) -> bool:
    numbers = [version.number for version in versions]
    return bool(numbers) and numbers[0] > 0 and numbers == sorted(set(numbers))


def names(document: Document, file: str) -> str:
    """What may be read by everybody: for reviews, and for whoever cannot open the file."""
    lines = [
        f"# What is in {file}: names and versions, never values. Fairway writes it with that file, and never reads it."
    ]
    lines += [f"recipient {recipient.key} {recipient.name}".rstrip() for recipient in document.recipients]
    for name, versions in sorted(document.secrets.items()):
        newest = entry(name, versions[-1])
        state = f" {newest.state}" if newest.state else ""
        lines.append(f"secret {name} version {newest.number}{state} {newest.at} {newest.by}".rstrip())
    return "\n".join(lines) + "\n"
