"""Parts of a strategy."""

from __future__ import annotations

from collections.abc import Generator

from fairway.model.steps import Drain, Outcome, Retire, Step, Want

Walk = Generator[Step, Outcome, bool]
"""A part of a strategy: True where every step of it succeeded."""


def do(step: Step) -> Walk:
    outcome = yield step
    return outcome.ok


def remove(wants: tuple[Want, ...]) -> Walk:
    if not wants:
        return True
    if not (yield from do(Drain(wants))):
        return False
    return (yield from do(Retire(wants)))
