"""Texts of fairway.yaml, applications to go with them, and what is wrong with them as short lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fairway.model.app import App, Location, Path, Service
from fairway.model.errors import InvalidFiles
from fairway.settings import Settings, load

ENVIRONMENTS = "environments: {production: {}}\n"


def settings(text: str) -> Settings:
    return load(text if "environments:" in text else text + "\n" + ENVIRONMENTS, file="fairway.yaml")


def wrong(do: Callable[[], Any]) -> list[str]:
    """`line path: what` of every problem."""
    with pytest.raises(InvalidFiles) as caught:
        do()
    lines = []
    for problem in caught.value.problems:
        assert isinstance(problem.where, Location)
        lines.append(f"{problem.where.line} {'.'.join(problem.path)}: {problem.what}")
    return lines


def hints(do: Callable[[], Any]) -> list[str]:
    with pytest.raises(InvalidFiles) as caught:
        do()
    return [problem.hint for problem in caught.value.problems]


def app(*services: Service, lines: dict[Path, int] | None = None) -> App:
    places = {("services", service.name): 2 for service in services} | (lines or {})
    return App(
        name="shop",
        services={service.name: service for service in services},
        directory="/shop",
        locations={path: Location("compose.yaml", line) for path, line in places.items()},
    )
