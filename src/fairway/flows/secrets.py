"""What there is of an environment's secrets, and what its releases need of it. Never values."""

from __future__ import annotations

import base64
import secrets
import string
from collections.abc import Iterable, Mapping

from msgspec import Struct

from fairway.model.app import App
from fairway.model.files import FileObject
from fairway.model.release import Record, Release
from fairway.model.secret import Entry
from fairway.ports.secrets import SecretStore

ALPHABET = string.ascii_letters + string.digits


class Row(Struct, frozen=True, kw_only=True):
    """A secret: `name` where it is kept, or its key in Compose where that is the file's own; `services` that use it."""

    name: str
    number: str = ""
    at: str = ""
    by: str = ""
    services: tuple[str, ...] = ()
    where: str = ""


class Pinned(Struct, frozen=True, kw_only=True):
    """A version of a secret, and the releases that pin it. Without a number, `identity` tells it: the hash in the release."""

    name: str
    number: str = ""
    identity: str = ""
    at: str = ""
    by: str = ""
    state: str = ""
    releases: tuple[int, ...] = ()


def listed(app: App | None, entries: Iterable[Entry], where: str) -> tuple[Row, ...]:
    """All that are kept, or that the application has, by name; an external one that is not there is `missing`."""
    known = {entry.name: entry for entry in entries}
    found = {
        name: Row(name=name, number=entry.number, at=entry.at, by=entry.by, where=where)
        for name, entry in known.items()
    }
    for key, secret in app.secrets.items() if app else ():
        services = tuple(name for name, one in app.services.items() if _uses(one.secrets, key)) if app else ()
        if secret.external:
            entry = known.get(secret.name, Entry(name=secret.name, number="" if not known else "missing"))
            more = found[secret.name].services if secret.name in found else ()
            found[secret.name] = Row(
                name=secret.name,
                number=entry.number,
                at=entry.at,
                by=entry.by,
                services=(*more, *services),
                where=where,
            )
        else:
            found[key] = Row(name=key, services=services, where=_source(secret))
    return tuple(row for _, row in sorted(found.items()))


def _uses(mounts: Iterable[object], key: str) -> bool:
    return any(getattr(mount, "source", "") == key for mount in mounts)


def _source(secret: FileObject) -> str:
    return f"${secret.environment}" if secret.environment else secret.file or ""


async def pinned(
    store: SecretStore, records: Iterable[Record], app: App | None, only: str | None = None
) -> tuple[Pinned, ...]:
    """By name, newest first."""
    counted, uncounted = _pins([record.release for record in records])
    external = [secret.name for secret in app.secrets.values() if secret.external] if app else []
    names = {entry.name for entry in await store.names()} | {name for name, _ in (*counted, *uncounted)} | set(external)
    found: list[Pinned] = []
    for name in sorted(names if only is None else {only}):
        entries = await store.versions(name)
        numbers = {entry.number for entry in entries}
        gone = [
            Entry(name=name, number=number, state="gone")
            for one, number in counted
            if one == name and number not in numbers
        ]
        rows = [_row(entry, counted.get((name, entry.number), ())) for entry in (*entries, *gone)]
        found += sorted(rows, key=lambda row: (len(row.number), row.number), reverse=True)
        rest = [
            Pinned(name=name, identity=identity, releases=tuple(sorted(releases)))
            for (one, identity), releases in uncounted.items()
            if one == name
        ]
        found += sorted(rest, key=lambda row: row.releases, reverse=True)
    return tuple(found)


def _row(entry: Entry, releases: Iterable[int]) -> Pinned:
    return Pinned(
        name=entry.name,
        number=entry.number,
        at=entry.at,
        by=entry.by,
        state=entry.state,
        releases=tuple(sorted(releases)),
    )


Pins = dict[tuple[str, str], list[int]]


def _pins(releases: Iterable[Release]) -> tuple[Pins, Pins]:
    """The releases that pin (name, number), and (name, identity) where there is no number."""
    counted: Pins = {}
    uncounted: Pins = {}
    for release in releases:
        for key, identity in release.secrets.items():
            secret = release.app.secrets.get(key)
            name, number = secret.name if secret and secret.external else key, release.secret_numbers.get(key)
            where, version = (counted, number) if number else (uncounted, identity)
            where.setdefault((name, version), []).append(release.number)
    return counted, uncounted


async def needed(store: SecretStore, releases: Iterable[Release]) -> Mapping[str, set[str]]:
    """The numbers that these releases pin, by name; all there are, where one pins a version without its number."""
    counted, uncounted = _pins(releases)
    found: dict[str, set[str]] = {}
    for name, number in counted:
        found.setdefault(name, set()).add(number)
    for name, _ in uncounted:
        found.setdefault(name, set()).update(entry.number for entry in await store.versions(name))
    return found


def random_value(length: int, form: str) -> bytes:
    """`length` random bytes, as hex, base64 or base64url; or so many letters and digits."""
    if form == "letters":
        return "".join(secrets.choice(ALPHABET) for _ in range(length)).encode()
    made = secrets.token_bytes(length)
    match form:
        case "hex":
            return made.hex().encode()
        case "base64":
            return base64.b64encode(made)
        case _:
            return base64.urlsafe_b64encode(made).rstrip(b"=")
