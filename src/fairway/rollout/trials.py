"""What the judge is asked about a service on its way."""

from __future__ import annotations

from msgspec.structs import replace

from fairway.model.judgement import JudgePolicy, Measure
from fairway.model.release import Release
from fairway.model.steps import Trial
from fairway.rollout.judge import questions
from fairway.rollout.moves import Move


def trial(release: Release, move: Move, *, compared: bool, served: bool = True) -> Trial | None:
    """`served`: whether the new revision gets requests, and `compared`: whether the old one does, too.

    Without requests there are limits alone to be judged, or nothing; but a probe asks both in any case.
    """
    judging, control = release.policy(move.service).rollout.judge, move.control
    if judging is None or control is None:
        return None
    policy = _possible(judging.policy, compared=compared, served=served)
    return Trial(new=move.new, old=control.revision, judging=replace(judging, policy=policy)) if policy else None


def _possible(policy: JudgePolicy, *, compared: bool, served: bool) -> JudgePolicy | None:
    """What of it can be asked; None where that is nothing."""
    if compared and served:
        return policy
    found = replace(policy, compare=tuple(measure for measure in policy.compare if measure is Measure.PROBE))
    if not served:
        found = replace(found, limit_errors=None, limit_latency=None)
    return found if questions(found) else None
