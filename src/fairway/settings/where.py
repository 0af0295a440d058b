"""Where a problem of the settings is, and what stands there."""

from __future__ import annotations

from fairway.model.app import Path
from fairway.model.errors import Problem
from fairway.settings.model import Settings


def problem(settings: Settings, path: Path, what: str, hint: str = "") -> Problem:
    return Problem(what, settings.where(*path), path, hint)


def written_below(settings: Settings, *path: str) -> tuple[str, ...]:
    """The names below `path` in the file, whether or not they could be read."""
    return tuple(found[-1] for found in settings.locations if found[:-1] == path)
