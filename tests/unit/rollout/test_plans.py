"""Plans in words, one for each way in which a release differs from what is there."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fairway.model.errors import FairwayError
from fairway.model.fleet import Health, State
from fairway.model.release import Release
from fairway.model.steps import Outcome, Verdict
from fairway.rollout.lead import lead
from fairway.rollout.preview import preview
from tests.unit.rollout.drive import Drive
from tests.unit.rollout.parts import Spec, Specs, lines
from tests.unit.rollout.world import World

WEB = Spec(replicas=2, routed=True)


def world(*history: Specs) -> World:
    made = World()
    for specs in history:
        assert Drive(made, made.propose(specs)).run().verdict is Verdict.PROMOTED
    return made


def plan(there: World, specs: Specs) -> list[str]:
    return steps(there, there.propose(specs))


def steps(there: World, release: Release) -> list[str]:
    return lines(preview(lead(there.observe(release), release, there.course(release))))


def test_first_deployment() -> None:
    assert plan(world(), {"web": WEB}) == ["ensure web-r1 ×2", "await web-r1 ×2", "shift web: web-r1 2"]


def test_new_version_starts_first_and_the_old_one_goes_last() -> None:
    assert plan(world({"web": WEB}), {"web": replace(WEB, version=2)}) == [
        "ensure web-r2 ×2",
        "await web-r2 ×2",
        "shift web: web-r2 2",
        "drain web-r1 0",
        "retire web-r1 0",
    ]


def test_a_single_replica_is_replaced_without_a_gap() -> None:
    web = Spec(routed=True)
    assert plan(world({"web": web}), {"web": replace(web, version=2)})[:3] == [
        "ensure web-r2 ×1",
        "await web-r2 ×1",
        "shift web: web-r2 1",
    ]


def test_surge_goes_in_batches_with_as_much_traffic_as_is_ready() -> None:
    web = Spec(replicas=3, routed=True, surge=2, pause=5)
    assert plan(world({"web": web}), {"web": replace(web, version=2)}) == [
        "ensure web-r2 ×2",
        "await web-r2 ×2",
        "shift web: web-r1 1, web-r2 2",
        "hold 5 s (pause) web-r2 ×2",
        "drain web-r1 1",
        "retire web-r1 1",
        "ensure web-r2 ×3",
        "await web-r2 ×3",
        "shift web: web-r2 3",
        "drain web-r1 0",
        "retire web-r1 0",
    ]


def test_monitor_watches_the_new_with_traffic_while_the_old_is_still_warm() -> None:
    web = replace(WEB, monitor=30)
    assert plan(world({"web": web}), {"web": replace(web, version=2)})[2:4] == [
        "shift web: web-r2 2",
        "hold 30 s (monitor) web-r2 ×2",
    ]


def test_dependencies_start_and_become_ready_before_their_dependents() -> None:
    specs = {
        "web": Spec(routed=True, needs=(("db", "healthy"), ("migrate", "done"), ("cache", "started"))),
        "migrate": Spec(needs=(("db", "healthy"),)),
        "db": Spec(),
        "cache": Spec(),
    }
    assert plan(world(), specs) == [
        "ensure cache-r1 ×1, db-r1 ×1",
        "await db-r1 ×1",
        "ensure migrate-r1 ×1",
        "await exit migrate-r1 ×1",
        "ensure web-r1 ×1",
        "await cache-r1 ×1, web-r1 ×1",
        "shift web: web-r1 1",
    ]


def test_a_service_that_cannot_run_twice_makes_way_in_its_turn() -> None:
    specs = {"db": Spec(recreate=True), "web": Spec(routed=True, needs=(("db", "healthy"),))}
    newer = {name: replace(spec, version=2) for name, spec in specs.items()}
    assert plan(world(specs), newer) == [
        "drain db-r1 0",
        "retire db-r1 0",
        "ensure db-r2 ×1",
        "await db-r2 ×1",
        "ensure web-r2 ×1",
        "await web-r2 ×1",
        "shift web: web-r2 1",
        "drain web-r1 0",
        "retire web-r1 0",
    ]


def test_recreating_ignores_surge_for_nothing_old_is_left_to_share_with() -> None:
    web = Spec(replicas=3, routed=True, recreate=True, surge=1)
    assert plan(world({"web": web}), {"web": replace(web, version=2)}) == [
        "drain web-r1 0",
        "retire web-r1 0",
        "ensure web-r2 ×3",
        "await web-r2 ×3",
        "shift web: web-r2 3",
    ]


@pytest.mark.parametrize("spec", [WEB, Spec(replicas=2), Spec(replicas=0, routed=True), Spec(recreate=True)])
def test_what_is_there_already_takes_no_step(spec: Spec) -> None:
    assert plan(world({"web": spec}), {"web": spec}) == []


def test_scaling_up_keeps_the_revision() -> None:
    assert plan(world({"web": WEB}), {"web": replace(WEB, replicas=4)}) == [
        "ensure web-r1 ×4",
        "await web-r1 ×4",
        "shift web: web-r1 4",
    ]


def test_scaling_down_starts_nothing() -> None:
    assert plan(world({"web": replace(WEB, replicas=4)}), {"web": WEB}) == [
        "shift web: web-r1 2",
        "drain web-r1 2",
        "retire web-r1 2",
    ]


def test_scaling_to_nothing() -> None:
    assert plan(world({"web": WEB}), {"web": replace(WEB, replicas=0)}) == [
        "shift nothing",
        "drain web-r1 0",
        "retire web-r1 0",
    ]


def test_replicas_and_version_changed_together() -> None:
    assert plan(world({"web": WEB}), {"web": replace(WEB, version=2, replicas=3)})[:3] == [
        "ensure web-r2 ×3",
        "await web-r2 ×3",
        "shift web: web-r2 3",
    ]


def test_a_route_that_changes_alone_is_just_a_shift() -> None:
    assert plan(world({"web": WEB}), {"web": replace(WEB, path="/shop")}) == ["shift web: web-r1 2"]


def test_another_sign_of_readiness_is_asked_for_before_the_gateway_goes_by_it() -> None:
    ready = replace(WEB.ready, http="/up")
    assert plan(world({"web": WEB}), {"web": replace(WEB, ready=ready)}) == [
        "ensure web-r1 ×2",
        "await web-r1 ×2",
        "shift web: web-r1 2",
    ]


def test_a_removed_service_goes_last() -> None:
    assert plan(world({"api": WEB, "web": WEB}), {"web": WEB}) == [
        "shift web: web-r1 2",
        "drain api-r1 0",
        "retire api-r1 0",
    ]


def test_an_added_service_leaves_the_others_alone() -> None:
    assert plan(world({"web": WEB}), {"api": Spec(), "web": WEB}) == ["ensure api-r2 ×1", "await api-r2 ×1"]


def test_a_worker_rolls_without_touching_the_gateway() -> None:
    specs = {"web": WEB, "worker": Spec(replicas=2, surge=1)}
    assert plan(world(specs), {**specs, "worker": replace(specs["worker"], version=2)}) == [
        "ensure worker-r2 ×1",
        "await worker-r2 ×1",
        "drain worker-r1 1",
        "retire worker-r1 1",
        "ensure worker-r2 ×2",
        "await worker-r2 ×2",
        "drain worker-r1 0",
        "retire worker-r1 0",
    ]


def test_a_broken_version_is_replaced_by_its_fix_without_waiting_for_it() -> None:
    there = world({"web": replace(WEB, surge=1)})
    for replica in list(there.replicas.values()):
        there.change(replica, state=State.RUNNING, health=Health.UNHEALTHY)
    assert plan(there, {"web": replace(WEB, surge=1, version=2)}) == [
        "ensure web-r2 ×2",
        "await web-r2 ×2",
        "shift web: web-r2 2",
        "drain web-r1 0",
        "retire web-r1 0",
    ]


def test_a_dead_replica_is_replaced_and_gets_its_requests_back() -> None:
    there = world({"web": WEB})
    there.change(there.fleet.replicas[1], state=State.EXITED, exit_code=1)
    assert plan(there, {"web": WEB}) == ["ensure web-r1 ×2", "await web-r1 ×2", "shift web: web-r1 2"]


def test_a_dead_old_replica_does_not_count_as_capacity() -> None:
    web = Spec(replicas=2, routed=True, surge=1)
    there = world({"web": web})
    there.change(there.fleet.replicas[0], state=State.EXITED, exit_code=1)
    assert plan(there, {"web": replace(web, version=2)})[:5] == [
        "ensure web-r2 ×1",
        "await web-r2 ×1",
        "shift web: web-r1 1, web-r2 1",
        "ensure web-r2 ×2",
        "await web-r2 ×2",
    ]


def test_rollback_to_a_revision_that_is_still_warm_uses_it() -> None:
    there = world({"web": WEB})
    Drive(there, there.propose({"web": replace(WEB, version=2)})).run(fail=3)
    assert plan(there, {"web": WEB}) == [
        "ensure web-r1 ×2",
        "await web-r1 ×2",
        "shift web: web-r1 2",
        "drain web-r2 0",
        "retire web-r2 0",
    ]


def test_undo_before_the_shift_only_removes_what_was_made() -> None:
    there = world({"web": WEB})
    base = there.releases[0]
    Drive(there, there.propose({"web": replace(WEB, version=2)})).run(fail=1)
    assert steps(there, base) == ["drain web-r2 0", "retire web-r2 0"]


def test_a_deployer_killed_after_scaling_up_does_not_double_the_fleet() -> None:
    there = world({"web": WEB})
    newer = {"web": replace(WEB, version=2)}
    Drive(there, there.propose(newer)).run(kill=1)
    assert plan(there, newer)[:3] == ["ensure web-r2 ×2", "await web-r2 ×2", "shift web: web-r2 2"]
    assert Drive(there, there.propose(newer)).run().verdict is Verdict.PROMOTED
    assert len(there.replicas) == 2


def test_a_third_release_keeps_what_served_and_drops_what_was_half_started() -> None:
    web = Spec(replicas=4, routed=True, surge=2)
    there = world({"web": web})
    Drive(there, there.propose({"web": replace(web, version=2)})).run(kill=1)
    assert plan(there, {"web": replace(web, version=3)})[2:5] == [
        "shift web: web-r1 2, web-r3 2",
        "drain web-r1 2, web-r2 0",
        "retire web-r1 2, web-r2 0",
    ]


def test_a_job_that_still_runs_is_awaited_by_the_next_deployer_too() -> None:
    specs = {"migrate": Spec(), "web": Spec(routed=True, needs=(("migrate", "done"),))}
    there = world()
    Drive(there, there.propose(specs)).run(kill=1)
    assert plan(there, specs)[:3] == ["ensure migrate-r1 ×1", "await exit migrate-r1 ×1", "ensure web-r1 ×1"]


def test_a_finished_job_runs_once_a_revision() -> None:
    specs = {"migrate": Spec(), "web": Spec(routed=True, needs=(("migrate", "done"),))}
    newer = {**specs, "web": replace(specs["web"], version=2)}
    assert "migrate" not in "".join(plan(world(specs), newer))


def test_preview_is_every_step_of_a_walk_in_which_all_succeeds() -> None:
    there = world({"web": WEB})
    release = there.propose({"web": replace(WEB, version=2)})
    expected = preview(lead(there.observe(release), release, there.course(release)))
    assert tuple(Drive(there, release).run().steps) == expected


def test_a_service_that_gets_its_first_route_gets_requests_when_all_of_it_is_ready() -> None:
    there = world({"web": Spec(replicas=2, surge=1)})
    assert plan(there, {"web": Spec(replicas=2, surge=1, routed=True, version=2)})[:3] == [
        "ensure web-r2 ×2",
        "await web-r2 ×2",
        "shift web: web-r2 2",
    ]


@pytest.mark.parametrize(("failing", "verdict"), [(1, Verdict.FAILED), (2, Verdict.FAILED), (3, Verdict.PROMOTED)])
def test_what_cannot_be_removed_once_all_traffic_has_moved_undoes_nothing(failing: int, verdict: Verdict) -> None:
    there = world({"web": WEB})
    release = there.propose({"web": replace(WEB, version=2)})
    walk = lead(there.observe(release), release, there.course(release))
    next(walk)
    with pytest.raises(StopIteration) as end:
        for number in range(10):
            walk.send(Outcome(FairwayError("no") if number == failing else None))
    assert end.value.value is verdict
