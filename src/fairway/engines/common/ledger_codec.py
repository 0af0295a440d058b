"""Records of the ledger as JSON, and back to equal ones."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from fairway.model.audit import Sealed
from fairway.model.build import ImageRef
from fairway.model.errors import EngineError
from fairway.model.release import Progress, Record, Release

T = TypeVar("T")

RELEASE = r"(\d+)\.release\.json"
OUTCOME = r"(\d+)\.outcome\.(\d+)\.json"
PROGRESS = r"(\d+)\.progress\.([01])\.json"


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a release; `finished` is ISO 8601 UTC."""

    outcome: str
    finished: str
    detail: str = ""


class Noted(Struct, frozen=True, kw_only=True):
    """How far a release had come; of two, the one with the higher `sequence` is the later."""

    sequence: int
    progress: Progress


class _Numbered(Struct, frozen=True):
    sequence: int = 0


class _Images(Struct, frozen=True):
    """Of a release, as much as tells what it runs."""

    images: Mapping[str, ImageRef] = {}


def release_name(number: int) -> str:
    return f"{number}.release.json"


def outcome_name(number: int, nanoseconds: int) -> str:
    """A release may be concluded more than once: the last word counts, and none is overwritten."""
    return f"{number}.outcome.{nanoseconds}.json"


def progress_name(number: int, sequence: int) -> str:
    """Two files take turns: while one is being overwritten, the other is whole."""
    return f"{number}.progress.{sequence % 2}.json"


def about(name: str) -> int | None:
    """The release that a file is about."""
    found = next((found for kind in (RELEASE, OUTCOME, PROGRESS) if (found := re.fullmatch(kind, name))), None)
    return int(found[1]) if found else None


def encode(value: Release | Outcome | Noted) -> bytes:
    """Without the places in files: those belong to a checkout."""
    if isinstance(value, Release):
        value = replace(value, app=replace(value.app, locations={}))
    return msgspec.json.encode(_finite(msgspec.to_builtins(value)) if isinstance(value, Noted) else value)


def _finite(value: Any) -> Any:
    """JSON knows no infinity, and evidence without a doubt is infinite: then the number is a text."""
    match value:
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case float() if math.isinf(value):
            return str(value)
        case _:
            return value


def decode_release(data: bytes) -> Release:
    return msgspec.json.decode(data, type=Release)


def images_of(data: bytes) -> frozenset[str]:
    """Ids and digests of the images that a release runs, by its record; none of one that was cut short."""
    try:
        images = msgspec.json.decode(data, type=_Images).images.values()
    except msgspec.DecodeError:
        if torn(data):
            return frozenset()
        raise
    return frozenset(name for image in images for name in (image.id, image.digest) if name)


def records(files: Mapping[str, bytes]) -> tuple[Record, ...]:
    """By number. Raises EngineError for a file that is no record; one that was cut short while it was written is none yet."""
    releases = _read(files, RELEASE, Release)
    outcomes = {number: outcome for (number, *_), outcome in sorted(_read(files, OUTCOME, Outcome).items())}
    progress = {number: noted.progress for number, noted in notes(files).items()}
    none_yet = Outcome(outcome="", finished="")
    return tuple(
        Record(
            release=release,
            outcome=(said := outcomes.get(number, none_yet)).outcome,
            finished=said.finished,
            detail=said.detail,
            progress=progress.get(number, Progress()),
        )
        for (number,), release in sorted(releases.items())
    )


def notes(files: Mapping[str, bytes]) -> dict[int, Noted]:
    """What was noted last of each release, by its number."""
    found = sorted(_read(files, PROGRESS, Noted).items(), key=lambda item: item[1].sequence)
    return {number: noted for (number, _), noted in found}


def sealed(files: Mapping[str, bytes]) -> tuple[Sealed, ...]:
    """Each release's record as it is kept, to the byte."""
    concluded = {number for number, *_ in _read(files, OUTCOME, Outcome)}
    return tuple(
        Sealed(
            number=number,
            seal=hashlib.sha256(files[release_name(number)]).hexdigest(),
            audit=release.audit,
            concluded=number in concluded,
        )
        for (number,), release in sorted(_read(files, RELEASE, Release).items())
    )


def _read(files: Mapping[str, bytes], pattern: str, kind: type[T]) -> dict[tuple[int, ...], T]:
    found: dict[tuple[int, ...], T] = {}
    for name, data in files.items():
        if not (match := re.fullmatch(pattern, name)):
            continue
        try:
            found[tuple(map(int, match.groups()))] = msgspec.json.decode(data, type=kind, strict=kind is not Noted)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if not torn(data):
                raise EngineError(
                    f"The ledger's record {name} cannot be read",
                    why=str(error),
                    hint="was it written by a newer Fairway? else move the file out of the ledger",
                ) from error
    return found


def newer(name: str, one: bytes, other: bytes) -> bytes:
    """Which of two files of one name counts: what is whole, and of two that are numbered the later one."""
    if torn(one) or torn(other):
        return other if torn(one) else one
    return max(one, other, key=_sequence) if name.endswith(".json") else one


def _sequence(data: bytes) -> int:
    """0 for what is never written twice."""
    try:
        return msgspec.json.decode(data, type=_Numbered).sequence
    except msgspec.DecodeError:
        return 0


def torn(data: bytes) -> bool:
    """Whether it is a strict beginning of a record: its writer was killed, or the disk was full."""
    return _ends_early(data) or _ends_early(data + b"0")  # in the midst of a number, that is


def _ends_early(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        return "truncated" in str(error)
    return False
