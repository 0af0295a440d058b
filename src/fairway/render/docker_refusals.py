"""What an application asks for and Docker on one host cannot honour."""

from __future__ import annotations

from fairway.model.app import App
from fairway.model.errors import Problem


def refusals(app: App, api: tuple[int, int] = (1, 41)) -> tuple[Problem, ...]:
    return ()
