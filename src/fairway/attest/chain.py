"""The audit trail as a chain: each line names the hash of the one before it, and each release the line before it. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from fairway.model.audit import Entry, Line, Sealed

NAME = re.compile(r"(\d{8})\.line\.json")


def name(number: int) -> str:
    return f"{number:08d}.line.json"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def head(files: Mapping[str, bytes]) -> str:
    """NUMBER:SHA256 of the last line; nothing where there is none."""
    lines = _by_number(files)
    return f"{max(lines)}:{digest(lines[max(lines)])}" if lines else ""


def following(files: Mapping[str, bytes], entry: Entry, at: str, releases: Sequence[Sealed]) -> Line:
    """The next line of the trail. A release that is under way will have a line of its own."""
    lines = _by_number(files)
    known = {number for line in _read(lines.values()) for number in (line.entry.release, *line.unrecorded)}
    seals = {one.number: one.seal for one in releases}
    last = max(lines, default=0)
    return Line(
        number=last + 1,
        previous=digest(lines[last]) if last else "",
        at=at,
        entry=entry,
        seal=seals.get(entry.release, ""),
        unrecorded=tuple(one.number for one in releases if one.concluded and one.number not in known | {entry.release}),
    )


def encode(line: Line) -> bytes:
    return msgspec.json.encode(line) + b"\n"


def lines(files: Mapping[str, bytes]) -> tuple[Line, ...]:
    """Those that can be read, in the order of their numbers."""
    found = _by_number(files)
    return tuple(_read(found[number] for number in sorted(found)))


def verify(files: Mapping[str, bytes], releases: Sequence[Sealed]) -> tuple[str, ...]:
    """What is wrong with the trail: what was changed, removed, inserted, put elsewhere, or cut off. Nothing: it is whole."""
    found = _by_number(files)
    return tuple(
        dict.fromkeys(
            [*_chained(found), *_anchored(found, releases), *_sealed(found, releases), *_told(found, releases)]
        )
    )


def _chained(found: Mapping[int, bytes]) -> Iterator[str]:
    for number in range(1, max(found, default=0) + 1):
        if number not in found:
            yield f"line {number} was removed"
            continue
        line = _line(found[number])
        if line is None:
            yield f"line {number} was changed: it cannot be read"
        elif line.number != number:
            yield f"line {number} is not in its place: it says that it is line {line.number}"
        elif number == 1 and line.previous:
            yield "line 1 is not the first: it names one before it"
        elif number - 1 in found and line.previous != digest(found[number - 1]):
            yield f"line {number - 1} was changed, or line {number} was inserted: the hash in line {number} is another one"


def _anchored(found: Mapping[int, bytes], releases: Sequence[Sealed]) -> Iterator[str]:
    for one in releases:
        number, _, known = one.audit.partition(":")
        if not number.isdecimal():
            continue
        line = found.get(int(number))
        if line is None and int(number) > max(found, default=0):
            yield f"the trail was cut off: release {one.number} knows line {number}, and it is not there"
        elif line is not None and digest(line) != known:
            yield f"line {number} was changed: release {one.number} knows it with another hash"


def _sealed(found: Mapping[int, bytes], releases: Sequence[Sealed]) -> Iterator[str]:
    seals = {one.number: one.seal for one in releases}
    read = list(_read(found[number] for number in sorted(found)))
    dropped = {number for line in read for number in line.entry.dropped}
    for line in read:
        release = line.entry.release
        if not line.seal or (release in dropped and release not in seals):
            continue
        if release not in seals:
            yield f"the record of release {release} was removed: line {line.number} tells of it"
        elif seals[release] != line.seal:
            yield f"the record of release {release} was changed since line {line.number}"


def _told(found: Mapping[int, bytes], releases: Sequence[Sealed]) -> Iterator[str]:
    told = {number for line in _read(found.values()) for number in (line.entry.release, *line.unrecorded)}
    for one in releases:
        if one.concluded and one.number not in told:
            yield f"no line tells of release {one.number}: its line was removed, or its deployer was killed before it wrote it"


def _by_number(files: Mapping[str, bytes]) -> dict[int, bytes]:
    return {int(match[1]): data for path, data in files.items() if (match := NAME.fullmatch(path))}


def _read(found: Iterable[bytes]) -> Iterator[Line]:
    return (line for data in found if (line := _line(data)))


def _line(data: bytes) -> Line | None:
    try:
        return msgspec.json.decode(data, type=Line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
