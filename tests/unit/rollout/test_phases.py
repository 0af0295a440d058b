"""Phases as plans: what each strategy's list of steps becomes, and how a rollout that was cut off goes on."""

from __future__ import annotations

from msgspec.structs import replace

from fairway.model.judgement import JudgePolicy, Measure
from fairway.model.policy import HttpProbe, Job, Judging, Match, Mirror, Phase, Probe
from fairway.model.release import Progress
from fairway.model.steps import Hold, Verdict
from fairway.rollout.course import moment
from fairway.rollout.lead import lead
from fairway.rollout.preview import preview
from fairway.rollout.propose import again
from tests.unit.rollout.drive import Drive, assert_is
from tests.unit.rollout.parts import Spec, Specs
from tests.unit.rollout.test_plans import plan, steps, world
from tests.unit.rollout.world import LONG_AGO

CANARY = Spec(
    replicas=4,
    routed=True,
    steps=(Phase(traffic=1), Phase(traffic=50, scale=2, hold=60, approve=True)),
)


def newer(spec: Spec) -> Specs:
    return {"web": replace(spec, version=spec.version + 1)}


def test_the_first_deployment_goes_straight_on() -> None:
    assert plan(world(), {"web": CANARY}) == ["ensure web-r1 ×4", "await web-r1 ×4", "shift web: web-r1 4"]


def test_a_canary_grows_before_its_traffic_and_the_old_one_stays_whole() -> None:
    assert plan(world({"web": CANARY}), newer(CANARY)) == [
        "ensure web-r2 ×1",
        "await web-r2 ×1",
        "shift web: web-r1 9900, web-r2 100",
        "hold 0 s (phase) web-r2 ×1",
        "ensure web-r2 ×2",
        "await web-r2 ×2",
        "shift web: web-r1 5000, web-r2 5000",
        "hold 60 s, approve (phase) web-r2 ×2",
        "ensure web-r2 ×4",
        "await web-r2 ×4",
        "shift web: web-r2 4",
        "drain web-r1 0",
        "retire web-r1 0",
    ]


def test_blue_green_is_checked_without_traffic_and_the_old_one_stays_warm() -> None:
    web = Spec(replicas=2, routed=True, keep=60, steps=(Phase(scale=2, check=Job(command=("smoke",))),))
    there = world({"web": web})
    assert plan(there, newer(web)) == [
        "ensure web-r2 ×2",
        "await web-r2 ×2",
        "shift web: web-r1 10000",
        "run check-1-web-r2",
        "hold 0 s (phase) web-r2 ×2",
        "shift web: web-r2 2",
    ]


def test_what_is_warm_goes_when_its_time_is_over() -> None:
    web = replace(Spec(replicas=2, routed=True), keep=60)
    there = world({"web": web}, newer(web))
    assert plan(there, newer(web)) == []
    there.age = 61
    assert plan(there, newer(web)) == ["drain web-r1 0", "retire web-r1 0"]


def test_back_to_what_is_warm_begins_with_a_shift() -> None:
    web = replace(CANARY, keep=60)
    there = world({"web": web}, newer(web))
    release = again(there.releases[0], there.records, there.fleet, created="", by="", reason="rollback to 1")
    there.releases.append(release)
    assert steps(there, release) == [
        "shift web: web-r1 4",
        "ensure web-r1 ×4",
        "await web-r1 ×4",
        "shift web: web-r1 4",
        "drain web-r2 0",
        "retire web-r2 0",
    ]


def test_a_newer_release_keeps_one_generation_warm() -> None:
    web = replace(Spec(routed=True), keep=60)
    there = world({"web": web}, {"web": replace(web, version=2)})
    assert plan(there, {"web": replace(web, version=3)}) == [
        "ensure web-r3 ×1",
        "await web-r3 ×1",
        "shift web: web-r3 1",
        "drain web-r1 0",
        "retire web-r1 0",
    ]


def test_ab_steers_and_goes_on_without() -> None:
    web = Spec(routed=True, steps=(Phase(match=(Match(header="x-beta"),)), Phase(traffic=20, sticky=True)))
    assert plan(world({"web": web}), newer(web))[2:] == [
        "shift web: web-r1 10000; match to web-r2",
        "hold 0 s (phase) web-r2 ×1",
        "shift web: web-r1 8000, web-r2 2000; sticky to web-r2",
        "hold 0 s (phase) web-r2 ×1",
        "shift web: web-r2 1",
        "drain web-r1 0",
        "retire web-r1 0",
    ]


def test_a_shadow_gets_copies_and_no_users() -> None:
    web = Spec(routed=True, steps=(Phase(mirror=Mirror(percent=25), hold=300),))
    assert plan(world({"web": web}), newer(web))[2:4] == [
        "shift web: web-r1 10000; mirror to web-r2",
        "hold 300 s (phase) web-r2 ×1",
    ]


def test_workers_share_the_work_by_their_number() -> None:
    worker = Spec(replicas=4, steps=(Phase(scale=1, hold=60), Phase(scale=2)))
    assert plan(world({"web": worker}), newer(worker)) == [
        "ensure web-r2 ×1",
        "await web-r2 ×1",
        "drain web-r1 3",
        "retire web-r1 3",
        "hold 60 s (phase) web-r2 ×1",
        "ensure web-r2 ×2",
        "await web-r2 ×2",
        "drain web-r1 2",
        "retire web-r1 2",
        "hold 0 s (phase) web-r2 ×2",
        "ensure web-r2 ×4",
        "await web-r2 ×4",
        "drain web-r1 0",
        "retire web-r1 0",
    ]


def test_a_service_without_phases_waits_ready_until_the_others_are_through() -> None:
    specs = {"api": Spec(routed=True), "web": replace(CANARY, replicas=1, steps=(Phase(traffic=1),))}
    both = {name: replace(spec, version=2) for name, spec in specs.items()}
    assert plan(world(specs), both) == [
        "ensure api-r2 ×1, web-r2 ×1",
        "await api-r2 ×1, web-r2 ×1",
        "shift web: web-r1 9900, web-r2 100",
        "hold 0 s (phase) web-r2 ×1",
        "shift api: api-r2 1; web: web-r2 1",
        "drain api-r1 0, web-r1 0",
        "retire api-r1 0, web-r1 0",
    ]


def test_jobs_run_before_the_replicas_and_when_the_old_ones_are_gone() -> None:
    web = Spec(routed=True, jobs=True)
    assert plan(world({"web": web}), newer(web)) == [
        "run before-web-r2",
        "ensure web-r2 ×1",
        "await web-r2 ×1",
        "shift web: web-r2 1",
        "drain web-r1 0",
        "retire web-r1 0",
        "run after_keep-web-r2",
    ]


def test_the_contracting_job_waits_until_nothing_is_warm() -> None:
    web = Spec(routed=True, jobs=True, keep=60)
    there = world({"web": web}, newer(web))
    assert there.ran == ["before-web-r1", "after_keep-web-r1", "before-web-r2"]
    there.age = 61
    assert plan(there, newer(web)) == ["drain web-r1 0", "retire web-r1 0", "run after_keep-web-r2"]


def test_no_job_on_the_way_back() -> None:
    web = Spec(routed=True, jobs=True)
    there = world({"web": web}, newer(web))
    release = again(there.releases[0], there.records, there.fleet, created="", by="", reason="rollback to 1")
    there.releases.append(release)
    assert not [line for line in steps(there, release) if line.startswith("run")]


def test_one_that_was_cut_off_goes_on_in_its_phase_with_fresh_evidence() -> None:
    there = world({"web": CANARY})
    release = there.propose(newer(CANARY))
    Drive(there, release).run(kill=8)  # within the second hold's successor
    there.progress[2] = Progress(phase=2, since=moment(LONG_AGO))
    there.age = 59
    held = [
        step for step in preview(lead(there.observe(release), release, there.course(release))) if isinstance(step, Hold)
    ]
    assert [(step.phase, step.seconds) for step in held] == [(2, 5.0)]


def test_other_steps_begin_anew() -> None:
    there = world({"web": CANARY})
    Drive(there, there.propose(newer(CANARY))).run(kill=8)
    there.progress[2] = Progress(phase=2, since=moment(LONG_AGO))
    changed = {"web": replace(newer(CANARY)["web"], steps=(Phase(traffic=5), Phase(traffic=20)))}
    assert [line for line in plan(there, changed) if line.startswith("shift")] == [
        "shift web: web-r1 9500, web-r2 500",
        "shift web: web-r1 8000, web-r2 2000",
        "shift web: web-r2 4",
    ]


def test_a_third_release_sends_the_second_away_and_compares_with_the_first() -> None:
    there = world({"web": CANARY})
    Drive(there, there.propose(newer(CANARY))).run(kill=5)
    third = {"web": replace(CANARY, version=3)}
    assert plan(there, third)[:5] == [
        "ensure web-r3 ×1",
        "await web-r3 ×1",
        "shift web: web-r1 9900, web-r3 100",
        "drain web-r2 0",
        "retire web-r2 0",
    ]
    release = there.propose(third)
    assert Drive(there, release).run().verdict is Verdict.PROMOTED
    assert_is(there, release)


def test_with_no_healthy_old_replica_there_is_nothing_to_protect() -> None:
    there = world({"web": CANARY})
    for replica in list(there.fleet.replicas):
        del there.replicas[replica.id]
    assert plan(there, newer(CANARY)) == ["ensure web-r2 ×4", "await web-r2 ×4", "shift web: web-r2 4"]


def test_more_replicas_of_the_same_revision_need_no_phases() -> None:
    there = world({"web": CANARY})
    assert plan(there, {"web": replace(CANARY, replicas=5)}) == [
        "ensure web-r1 ×5",
        "await web-r1 ×5",
        "shift web: web-r1 5",
    ]


def test_an_old_replica_may_be_missing_while_a_new_one_starts() -> None:
    web = Spec(replicas=3, routed=True, surge=1, unavailable=1)
    assert plan(world({"web": web}), newer(web))[:7] == [
        "drain web-r1 2",
        "retire web-r1 2",
        "ensure web-r2 ×1",
        "await web-r2 ×1",
        "shift web: web-r1 2, web-r2 1",
        "drain web-r1 1",
        "retire web-r1 1",
    ]


def test_batches_that_are_watched_are_judged() -> None:
    web = Spec(replicas=2, routed=True, surge=1, monitor=30, judged=True)
    assert plan(world({"web": web}), newer(web))[3] == "hold 30 s, judge (monitor) web-r2 ×1"


def test_the_last_batch_has_nothing_to_be_compared_with() -> None:
    web = Spec(replicas=2, routed=True, surge=1, monitor=30, judged=True)
    assert [line for line in plan(world({"web": web}), newer(web)) if line.startswith("hold")] == [
        "hold 30 s, judge (monitor) web-r2 ×1",
        "hold 30 s (monitor) web-r2 ×2",
    ]


def test_the_last_batch_is_held_to_its_limits() -> None:
    web = Spec(replicas=2, routed=True, surge=1, monitor=30, judged=True)
    there = world({"web": web})
    release = there.propose(newer(web))
    policy = release.policy("web")
    judging = Judging(policy=JudgePolicy(limit_errors=0.01))
    limited = replace(policy, rollout=replace(policy.rollout, judge=judging))
    release = replace(release, policies={"web": limited})
    planned = preview(lead(there.observe(release), release, there.course(release)))
    trials = [trial for step in planned if isinstance(step, Hold) for trial in step.trials]
    assert [trial.judging.policy.compare for trial in trials] == [(Measure.ERRORS,), ()]
    assert {trial.judging.policy.limit_errors for trial in trials} == {0.01}


def test_a_probe_needs_no_requests() -> None:
    web = Spec(
        replicas=2, routed=True, judged=True, steps=(Phase(scale=2), Phase(traffic=50), Phase(traffic=100, hold=5))
    )
    there = world({"web": web})
    release = there.propose(newer(web))
    policy = JudgePolicy(compare=(Measure.ERRORS, Measure.PROBE), limit_errors=0.01, limit_probe=0.1)
    judging = Judging(policy=policy, probe=Probe(http=HttpProbe(path="/selftest")))
    rollout = replace(release.policy("web").rollout, judge=judging)
    release = replace(release, policies={"web": replace(release.policy("web"), rollout=rollout)})
    holds = [
        step for step in preview(lead(there.observe(release), release, there.course(release))) if isinstance(step, Hold)
    ]
    asked = [hold.trials[0].judging.policy for hold in holds]
    assert asked == [
        replace(policy, compare=(Measure.PROBE,), limit_errors=None),
        policy,
        replace(policy, compare=(Measure.PROBE,)),
    ]
    assert [hold.trials[0].judging.probe for hold in holds] == [judging.probe] * 3


def test_a_worker_that_is_through_is_not_removed_again_while_others_go_on_in_batches() -> None:
    batches, phased = Spec(replicas=2, surge=1), Spec(replicas=2, steps=(Phase(scale=1),))
    there = world({"a": batches, "b": phased})
    found = plan(there, {"a": replace(batches, version=2), "b": replace(phased, version=2)})
    assert [step for step in found if step.startswith("retire")] == [
        "retire b-r1 1",
        "retire a-r1 1, b-r1 0",
        "retire a-r1 0",
    ]
