"""Values as Compose writes them, and mappings without what is not set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def compact(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are set: None, False, "" and empty collections are what their absence means; 0 is not."""
    return {key: plain(value) for key, value in fields.items() if value or (value == 0 and value is not False)}


def plain(value: Any) -> Any:
    """Tuples as lists and mappings as dicts, so that any writer takes it."""
    if isinstance(value, Mapping):
        return {key: plain(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [plain(child) for child in value]
    return value


def escaped(value: Any) -> Any:
    """Every `$` doubled: what is loaded again is interpolated again."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {key: escaped(child) for key, child in value.items()}
    if isinstance(value, list):
        return [escaped(child) for child in value]
    return value


def duration(seconds: float | None) -> str | None:
    """`90.0` as `90s`, with as many places as the number has."""
    if seconds is None:
        return None
    return f"{seconds:.0f}s" if seconds == int(seconds) else f"{_decimal(seconds)}s"


def _decimal(number: float) -> str:
    """The shortest decimal that gives the same float again, without an exponent."""
    shortest = repr(number)
    return shortest if "e" not in shortest else f"{number:.30f}".rstrip("0")


def number(value: float | None) -> str | None:
    """A number of CPUs, as the string that Compose prefers."""
    if value is None:
        return None
    return str(int(value)) if value == int(value) else _decimal(value)


def size(value: int | None) -> str | None:
    return None if value is None else str(value)
