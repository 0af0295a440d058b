"""What the steps of a plan do not tell: gaps, the judge, jobs, what stays warm, and what happens when a step fails."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from fairway.cli.words import duration
from fairway.flows.proposal import Proposal
from fairway.model.judgement import JudgePolicy, Measure
from fairway.model.policy import Judging, Probe, Rollout
from fairway.model.release import Release
from fairway.model.steps import Drain, Ensure, Hold, Retire, RunOnce

WIDTH = 100
NAMES = {Measure.ERRORS: "errors", Measure.LATENCY: "slow answers", Measure.PROBE: "failed probes"}
UNDECIDED = {
    "hold": "it waits for `fairway promote --now` or `fairway abort`",
    "pass": "the release goes on",
    "abort": "the release fails",
}


def notes(proposal: Proposal) -> list[str]:
    """A line each, of the services that get new replicas."""
    starting = {
        want.revision.service for step in proposal.steps if isinstance(step, Ensure) for want in step.wants
    } & proposal.release.revisions.keys()
    found = []
    for service in sorted(starting):
        rollout = proposal.release.policy(service).rollout
        told = (
            *_gap(proposal, service, rollout),
            *_spare(proposal, service, rollout),
            *_judge(proposal, service, rollout),
            *_keep(proposal, service, rollout),
        )
        found += [f"{service}: {said}" for said in told]
    return [*found, *_jobs(proposal)]


def wrapped(said: list[str]) -> list[str]:
    """As lines of a terminal."""
    return [line for text in said for line in wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)]


def on_failure(proposal: Proposal) -> list[str]:
    """What is there when a step has failed, and what the command then ends with."""
    release, base = proposal.release, proposal.base
    if base is None:
        back = "what was made of it is removed (exit status 1, or 3 once it has had traffic)"
    else:
        back = f"release {base.number} serves everybody, and what is new is removed (exit status 1, or 3 once traffic has moved)"
    known = set(base.revisions.values()) if base else set()
    held = sorted(
        service
        for service, revision in release.revisions.items()
        if revision not in known and release.policy(service).rollout.on_fail == "hold"
    )
    said = [f"if a step fails: {back}"]
    said += _way_back(base) if base else []
    if held:
        said.append(f"but the new replicas of {', '.join(held)} stay, without traffic, to be looked at (exit status 7)")
    if any(isinstance(step, Drain | Retire) for step in proposal.steps):
        said.append(f"nothing old goes before its successor is confirmed{_unless(proposal)}")
        said.append(f"if what is old cannot be removed in the end: release {release.number} serves (exit status 4)")
    return said


def _way_back(base: Release) -> list[str]:
    """What of it is done in the batches of `rollback_config`."""
    batches = {service: base.policy(service).rollout.back.surge for service in sorted(base.revisions)}
    told = [f"{surge} of {service} at a time" for service, surge in batches.items() if surge]
    return [f"what of release {base.number} is gone by then starts again: {', '.join(told)}"] if told else []


def _unless(proposal: Proposal) -> str:
    policies = proposal.release.policies.values()
    return ", but for what makes way for it" if any(map(_makes_way, (one.rollout for one in policies))) else ""


def _makes_way(rollout: Rollout) -> bool:
    return rollout.strategy == "recreate" or bool(rollout.max_unavailable)


def _gap(proposal: Proposal, service: str, rollout: Rollout) -> Iterator[str]:
    if rollout.strategy == "recreate" and proposal.base and service in proposal.base.revisions:
        yield f"is replaced with a gap: {rollout.why or 'fairway.yaml says `strategy: recreate`'}"


def _spare(proposal: Proposal, service: str, rollout: Rollout) -> Iterator[str]:
    release = proposal.release
    spare = rollout.back.spare if release.goes_back else rollout.spare
    if spare:
        of = release.replicas(service)
        yield f"goes on without {spare} of {of} replicas, should they fail; where more do, it is led back"


def _judge(proposal: Proposal, service: str, rollout: Rollout) -> Iterator[str]:
    """Where it sits in one of the steps: not at a first deployment, nor on the way back."""
    judged = any(
        trial.new.service == service for step in proposal.steps if isinstance(step, Hold) for trial in step.trials
    )
    if judged and rollout.judge:
        yield f"the judge looks every {duration(rollout.judge.every)}; the release fails when it is sure of {_worse(rollout.judge.policy)}"
        if probe := rollout.judge.probe:
            yield f"{_probe(probe)}, every {duration(probe.every)}"
        yield f"a judged step ends when the judge is sure that all is fine; {_undecided(rollout.judge)}"


def _worse(policy: JudgePolicy) -> str:
    said = []
    if policy.compare:
        measures = " or ".join(NAMES[measure] for measure in policy.compare)
        said.append(f"more than {policy.ratio:g} times the old version's {measures}")
    if policy.limit_errors is not None:
        said.append(f"more than {100 * policy.limit_errors:.3g} % errors")
    if policy.limit_latency is not None:
        said.append(f"more than {100 * (1 - policy.quantile):.3g} % of answers over {policy.limit_latency:g} ms")
    if policy.limit_probe is not None:
        said.append(f"more than {100 * policy.limit_probe:.3g} % failed probes")
    return ", or ".join(said)


def _probe(probe: Probe) -> str:
    if probe.http:
        good = f"status {probe.http.status}" if probe.http.status else "a status from 200 to 299"
        return f"it asks each replica of both versions: GET {probe.http.path}, {good}"
    if probe.job:
        return f"it runs a job in a container of each version: {' '.join(probe.job.command)}"
    return f"it asks {probe.prometheus.url if probe.prometheus else ''} what both versions have counted"


def _undecided(judging: Judging) -> str:
    return f"without a verdict after {duration(judging.max_hold)}, {UNDECIDED[judging.no_data]}"


def _keep(proposal: Proposal, service: str, rollout: Rollout) -> Iterator[str]:
    for revision in sorted(proposal.course.warm, key=str):
        if revision.service == service and rollout.strategy != "recreate":
            yield f"{revision} stays warm for {duration(rollout.keep)}: `fairway rollback` is instant meanwhile"
            after = ", and `after_keep` runs then" if rollout.after_keep else ""
            yield f"{revision} goes with the first deployment, or `fairway reconcile`, after that{after}"


def _jobs(proposal: Proposal) -> Iterator[str]:
    """What a job before the release has done stays done."""
    for step in proposal.steps:
        if isinstance(step, RunOnce):
            last = step.name.startswith("after_keep-")
            fails = (
                f"release {proposal.release.number} serves, and the command ends with 4,"
                if last
                else "the release fails"
            )
            yield f"{step.name}: {fails} unless it ends with exit status 0 within {duration(step.job.timeout)}"
            if step.name.startswith("before-") and proposal.base:
                yield f"{step.name}: what it does is not undone, so release {proposal.base.number} must be able to live with it"
