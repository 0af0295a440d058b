"""A Plan: the preview of a strategy in which everything succeeds."""

from __future__ import annotations

from fairway.model.steps import Outcome, Step, Strategy


def preview(strategy: Strategy) -> tuple[Step, ...]:
    steps: list[Step] = []
    try:
        step = next(strategy)
        while True:
            steps.append(step)
            step = strategy.send(Outcome())
    except StopIteration:
        return tuple(steps)
