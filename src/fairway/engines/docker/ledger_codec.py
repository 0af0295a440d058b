"""Records of the ledger as JSON, and back to equal ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec

from fairway.model.errors import EngineError
from fairway.model.release import Record, Release

T = TypeVar("T")

RELEASE = re.compile(r"(\d+)\.release\.json")
OUTCOME = re.compile(r"(\d+)\.outcome\.(\d+)\.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a release; `finished` is ISO 8601 UTC."""

    outcome: str
    finished: str
    detail: str = ""


def release_name(number: int) -> str:
    return f"{number}.release.json"


def outcome_name(number: int, nanoseconds: int) -> str:
    """A release may be concluded more than once: the last word counts, and none is overwritten."""
    return f"{number}.outcome.{nanoseconds}.json"


def encode(value: Release | Outcome) -> bytes:
    """Without the places in files: those belong to a checkout."""
    if isinstance(value, Release):
        value = replace(value, app=replace(value.app, locations={}))
    return msgspec.json.encode(value)


def decode_release(data: bytes) -> Release:
    return msgspec.json.decode(data, type=Release)


def records(files: Mapping[str, bytes]) -> tuple[Record, ...]:
    """By number. Raises EngineError for a file that is no record; one that was cut short while it was written is none yet."""
    releases = _read(files, RELEASE, Release)
    outcomes = {number: outcome for (number, *_), outcome in sorted(_read(files, OUTCOME, Outcome).items())}
    return tuple(
        Record(release=release, outcome=said.outcome, finished=said.finished, detail=said.detail)
        if (said := outcomes.get(number))
        else Record(release=release)
        for (number,), release in sorted(releases.items())
    )


def _read(files: Mapping[str, bytes], pattern: re.Pattern[str], kind: type[T]) -> dict[tuple[int, ...], T]:
    found: dict[tuple[int, ...], T] = {}
    for name, data in files.items():
        if not (match := pattern.fullmatch(name)):
            continue
        try:
            found[tuple(map(int, match.groups()))] = msgspec.json.decode(data, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if not torn(data):
                raise EngineError(
                    f"The ledger's record {name} cannot be read",
                    why=str(error),
                    hint="was it written by a newer Fairway? else move the file out of the volume fairway-ledger",
                ) from error
    return found


def torn(data: bytes) -> bool:
    """Whether it is a strict beginning of a record: its writer was killed, or the disk was full."""
    try:
        msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        return "truncated" in str(error)
    return False
