"""What the judge is asked about a service on its way."""

from __future__ import annotations

from dataclasses import replace

from fairway.model.release import Release
from fairway.model.steps import Trial
from fairway.rollout.judge import questions
from fairway.rollout.moves import Move


def trial(release: Release, move: Move, *, compared: bool) -> Trial | None:
    """`compared`: whether the old revision gets requests too; without them there are limits alone to be judged."""
    judging, control = release.policy(move.service).rollout.judge, move.control
    if judging and not compared:
        limits = replace(judging.policy, compare=())
        judging = replace(judging, policy=limits) if questions(limits) else None
    return Trial(new=move.new, old=control.revision, judging=judging) if judging and control else None
