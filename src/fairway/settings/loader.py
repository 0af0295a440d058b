"""fairway.yaml → Settings."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from fairway.model.app import Location
from fairway.model.errors import InvalidFiles, Problem
from fairway.settings.checks import check
from fairway.settings.model import Settings
from fairway.settings.reader import WRONG, Reader
from fairway.settings.shapes import record
from fairway.settings.yaml import parse


def load(text: str, *, file: str) -> Settings:
    """The settings in `text`; `file` is what problems call it. Raises InvalidFiles, with every problem in it."""
    node, problems = parse(text, file)
    if node is None or node.kind == "null":
        nothing = Problem("there is nothing in this file", Location(file), hint="fairway init writes one")
        raise InvalidFiles(problems or [nothing])
    root = record(Settings)
    reader = Reader(root)
    settings: Any = reader.read(root, node)
    problems += reader.problems
    if settings is not WRONG:
        settings = replace(settings, file=file, locations=reader.locations)
        problems += check(settings)
    if problems:
        raise InvalidFiles(problems)
    assert isinstance(settings, Settings)
    return settings
