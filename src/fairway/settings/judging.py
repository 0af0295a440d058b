"""`rollout.judge` → what the judge is asked, and where there is nothing that it could judge."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from fairway.model.app import Service
from fairway.model.judgement import JudgePolicy, Measure
from fairway.model.policy import Judging, Phase
from fairway.settings.probing import FAILED, probe
from fairway.settings.rollout_model import JudgeSettings, RolloutSettings
from fairway.settings.said import Said
from fairway.settings.types import STEPPED

ERRORS = 0.01
"""The share of errors that is too much whatever the old version does, where the file does not say: two versions without a
single error give the judge nothing to compare, and a limit that is kept lets it pass."""


def judging(
    said: Said,
    service: Service,
    chosen: RolloutSettings,
    strategy: str,
    *,
    phases: tuple[Phase, ...],
    batches: tuple[int | None, float],
) -> Judging | None:
    """`batches`: how many new replicas start at a time (None is all), and for how long they are watched."""
    judge = chosen.judge
    if judge is None or strategy == "recreate":
        return None
    path = (service.name, "rollout", "judge")
    if said.of(service.name).route is None:
        what = "`judge` needs a route: it counts the requests that the gateway passes on"
        said.wrong(what, *path, hint="add `route: {port: 8000}`, or drop `judge`")
    elif strategy in STEPPED:
        served = any(phase.served for phase in phases) or judge.probe is not None
        if service.deploy.replicas and not served and strategy != "ab":
            what = "no step gives the new version requests, so there is nothing to judge"
            hint = "add a step such as `{traffic: 10%}`, or `probe: {http: /selftest}`, or drop `judge`"
            said.wrong(what, *path, hint=hint)
    elif chosen.steps is None:
        _rolling(said, service, judge, batches)
    if judge.compare == () and judge.slo.errors is None and judge.slo.latency is None and judge.probe is None:
        what = "there is nothing to compare and no `slo`: nothing is judged"
        said.wrong(what, *path, "compare", hint="say `compare: [errors]`, or `slo: {errors: 1%}`")
    found = _judging(judge)
    if found.max_hold < found.every:
        what = f"the judge looks every {found.every:g} s, and would not look once in {found.max_hold:g} s"
        said.wrong(what, *path, "max_hold" if judge.max_hold is not None else "every", hint="make `max_hold` longer")
    return replace(found, probe=probe(said, service.name, judge, found))


def _rolling(said: Said, service: Service, judge: JudgeSettings, batches: tuple[int | None, float]) -> None:
    """Batches are judged while they are watched, beside the old replicas that still serve."""
    surge, watched = batches
    path = (service.name, "rollout", "judge")
    policy = _judging(judge).policy
    limited = any(policy.limit(measure) is not None for measure in Measure)
    if not watched:
        what = "the judge has no time: no batch is watched"
        said.wrong(what, *path, hint="add `monitor: 1m`, or say `strategy: canary`")
    elif not limited and (surge is None or surge >= service.deploy.replicas):
        what = "the judge has nothing to compare with: all new replicas take over at once"
        said.wrong(what, *path, hint="add `surge: 1`, or `slo: {errors: 1%}`, or say `strategy: canary`")


def _judging(judge: JudgeSettings) -> Judging:
    compare = None if judge.compare is None else tuple(Measure(name) for name in dict.fromkeys(judge.compare))
    errors = judge.slo.errors
    if errors is None and Measure.ERRORS in (JudgePolicy().compare if compare is None else compare):
        errors = ERRORS
    if judge.probe:
        compare = (*(JudgePolicy().compare if compare is None else compare), Measure.PROBE)
    policy = _said(
        compare=compare,
        alpha=judge.alpha,
        ratio=judge.ratio,
        tolerance=judge.tolerance,
        quantile=judge.quantile,
        limit_errors=errors,
        limit_latency=None if judge.slo.latency is None else judge.slo.latency * 1000,
        limit_probe=(FAILED if judge.slo.probe is None else judge.slo.probe) if judge.probe else None,
        min_events=judge.min_events,
    )
    times = _said(every=judge.every, max_hold=judge.max_hold, no_data=judge.no_data)
    return Judging(policy=JudgePolicy(**policy), **times)


def _said(**values: Any) -> dict[str, Any]:
    """Those that the file says; the model has the others."""
    return {key: value for key, value in values.items() if value is not None}
