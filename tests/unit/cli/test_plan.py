"""What `fairway plan` says beside the steps."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from fairway.cli.notes import notes, on_failure
from fairway.cli.plan import _text
from fairway.cli.words import duration
from fairway.flows.proposal import Proposal
from fairway.model.hardening import Hardened
from fairway.model.judgement import JudgePolicy, Measure
from fairway.model.policy import HttpProbe, Job, Judging, Phase, Probe, PrometheusProbe, Rollout, WayBack
from fairway.model.release import promoted
from fairway.rollout.lead import lead
from fairway.rollout.preview import preview
from tests.unit.rollout.parts import Spec, Specs
from tests.unit.rollout.test_plans import world
from tests.unit.rollout.world import World

WEB = Spec(replicas=2, routed=True)
CANARY = Rollout(strategy="canary", steps=(Phase(traffic=10),), judge=Judging())


def proposal(there: World, specs: Specs, **rollouts: Rollout) -> Proposal:
    """What would be done, with these rollouts."""
    release = there.propose(specs)
    policies = {name: replace(release.policy(name), rollout=rollout) for name, rollout in rollouts.items()}
    release = replace(release, policies={**release.policies, **policies})
    there.releases[-1] = release
    fleet, course = there.observe(release), there.course(release)
    return Proposal(
        release=release,
        base=promoted(there.records),
        records=there.records,
        fleet=fleet,
        course=course,
        steps=preview(lead(fleet, release, course)),
        led=release,
    )


def second(**rollouts: Rollout) -> Proposal:
    """Release 2 of the services that have a rollout here."""
    return proposal(world(dict.fromkeys(rollouts, WEB)), dict.fromkeys(rollouts, replace(WEB, version=2)), **rollouts)


def test_the_whole_plan_of_a_judged_canary() -> None:
    rollout = replace(CANARY, keep=1800.0, on_fail="hold", before=Job(command=("./migrate", "expand")))
    assert _text(second(web=rollout)).splitlines() == [
        "release 2, after release 1",
        "",
        "  web: image web:1 (web1) → web:2 (web2)",
        "  web: rollout rolling → canary",
        "",
        "  1. run before-web-r2: ./migrate expand",
        "  2. start web-r2 ×1",
        "  3. wait until ready: web-r2 ×1",
        "  4. move traffic: web to web-r2 10 %, web-r1 90 %",
        "  5. phase 1: watch web-r2 until the judge passes web-r2 against web-r1",
        "  6. start web-r2 ×2",
        "  7. wait until ready: web-r2 ×2",
        "  8. move traffic: web to web-r2 100 %",
        "",
        "  web: the judge looks every 5s; the release fails when it is sure of more than 1.2 times the old",
        "    version's errors",
        "  web: a judged step ends when the judge is sure that all is fine; without a verdict after 30m, it",
        "    waits for `fairway promote --now` or `fairway abort`",
        "  web: web-r1 stays warm for 30m: `fairway rollback` is instant meanwhile",
        "  web: web-r1 goes with the first deployment, or `fairway reconcile`, after that",
        "  before-web-r2: the release fails unless it ends with exit status 0 within 10m",
        "  before-web-r2: what it does is not undone, so release 1 must be able to live with it",
        "  if a step fails: release 1 serves everybody, and what is new is removed (exit status 1, or 3 once",
        "    traffic has moved)",
        "  but the new replicas of web stay, without traffic, to be looked at (exit status 7)",
    ]


def test_a_first_deployment_has_no_judge_and_nothing_to_go_back_to() -> None:
    found = proposal(world(), {"web": WEB}, web=replace(CANARY, keep=60, strategy="canary"))
    assert notes(found) == []
    assert on_failure(found) == [
        "if a step fails: what was made of it is removed (exit status 1, or 3 once it has had traffic)"
    ]


def test_how_many_may_fail_and_what_comes_back_in_batches() -> None:
    found = second(web=Rollout(spare=1))
    assert "wait until ready: web-r2 ×2 (1 may fail)" in _text(found)
    assert notes(found) == ["web: goes on without 1 of 2 replicas, should they fail; where more do, it is led back"]
    base = found.base
    assert base
    rollout = replace(base.policy("web").rollout, back=WayBack(surge=1))
    base = replace(base, policies={"web": replace(base.policy("web"), rollout=rollout)})
    assert "what of release 1 is gone by then starts again: 1 of web at a time" in on_failure(replace(found, base=base))


def test_what_is_removed_in_the_end_is_told_with_what_happens_if_it_cannot_be() -> None:
    assert on_failure(second(web=Rollout()))[1:] == [
        "nothing old goes before its successor is confirmed",
        "if what is old cannot be removed in the end: release 2 serves (exit status 4)",
    ]
    assert "but for what makes way for it" in on_failure(second(web=Rollout(surge=1, max_unavailable=1)))[1]


@pytest.mark.parametrize(
    ("why", "told"),
    [("it has a volume", "it has a volume"), ("", "fairway.yaml says `strategy: recreate`")],
)
def test_a_gap_has_its_reason(why: str, told: str) -> None:
    assert notes(second(web=Rollout(strategy="recreate", why=why))) == [f"web: is replaced with a gap: {told}"]


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({}, "more than 1.2 times the old version's errors"),
        (
            {"compare": (Measure.ERRORS, Measure.LATENCY), "ratio": 2},
            "more than 2 times the old version's errors or slow answers",
        ),
        ({"compare": (), "limit_errors": 0.005}, "more than 0.5 % errors"),
        (
            {"limit_errors": 0.01, "limit_latency": 300.0},
            "more than 1.2 times the old version's errors, or more than 1 % errors, or more than 5 % of answers over 300 ms",
        ),
    ],
)
def test_what_the_judge_is_asked(policy: dict[str, Any], told: str) -> None:
    judge = Judging(policy=JudgePolicy(**policy))
    assert notes(second(web=replace(CANARY, judge=judge)))[0].endswith(f"when it is sure of {told}")


@pytest.mark.parametrize(
    ("probe", "told"),
    [
        (
            Probe(http=HttpProbe(path="/selftest")),
            "it asks each replica of both versions: GET /selftest, a status from 200 to 299, every 5s",
        ),
        (
            Probe(job=Job(command=("./selftest", "-q")), every=30),
            "it runs a job in a container of each version: ./selftest -q, every 30s",
        ),
        (
            Probe(prometheus=PrometheusProbe(url="http://p:9090", good="a", bad="b")),
            "it asks http://p:9090 what both versions have counted, every 5s",
        ),
    ],
)
def test_what_is_probed(probe: Probe, told: str) -> None:
    policy = JudgePolicy(compare=(Measure.ERRORS, Measure.PROBE), limit_probe=0.1)
    said = notes(second(web=replace(CANARY, judge=Judging(policy=policy, probe=probe))))
    assert said[0].endswith(
        "sure of more than 1.2 times the old version's errors or failed probes, or more than 10 % failed probes"
    )
    assert said[1] == f"web: {told}"


@pytest.mark.parametrize(
    ("no_data", "told"),
    [("hold", "it waits for"), ("pass", "the release goes on"), ("abort", "the release fails")],
)
def test_what_happens_without_a_verdict(no_data: str, told: str) -> None:
    judge = Judging(no_data=no_data, max_hold=90)
    assert f"without a verdict after 1m30s, {told}" in notes(second(web=replace(CANARY, judge=judge)))[1]


def test_a_job_at_the_end_undoes_nothing() -> None:
    said = notes(second(web=Rollout(after_keep=Job(command=("./migrate", "contract"), timeout=60))))
    assert said == [
        "after_keep-web-r2: release 2 serves, and the command ends with 4, unless it ends with exit status 0 within 1m"
    ]
    warm = notes(second(web=Rollout(keep=60, after_keep=Job(command=("./migrate", "contract")))))
    assert (
        warm[1]
        == "web: web-r1 goes with the first deployment, or `fairway reconcile`, after that, and `after_keep` runs then"
    )


def test_only_services_that_get_new_replicas_are_told() -> None:
    specs = {"api": WEB, "web": WEB}
    found = proposal(world(specs), {**specs, "web": replace(WEB, version=2)}, api=Rollout(strategy="recreate", why="x"))
    assert notes(found) == []


def test_what_runs_already_needs_no_plan() -> None:
    found = proposal(world({"web": WEB}), {"web": WEB})
    assert _text(found) == "release 1 is what runs: a deployment would do nothing"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (0.5, "0.5s"), (45, "45s"), (90, "1m30s"), (1800, "30m"), (5400, "1h30m")]
)
def test_durations_are_as_one_writes_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_plan_says_what_was_hardened_and_what_was_left() -> None:
    told = Hardened(
        service="web",
        added=("no program in it gains privileges", "its capabilities: none"),
        left=("it runs as root: it writes to /data, which may be root's; name a `user` that can",),
    )
    again = Hardened(service="worker", added=told.added)
    lines = _text(second(web=Rollout()), (told, Hardened(service="db"), again)).splitlines()
    start = lines.index("  web, worker: hardened: no program in it gains privileges; its capabilities: none")
    assert lines[start + 1] == f"  web: left as it is: {told.left[0]}"
    assert not any("db" in line for line in lines)
