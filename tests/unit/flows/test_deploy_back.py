"""Ways back: users first, and nobody waits for what is known to be good."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fairway.model.errors import EngineError, Partial, ReleaseFailed, RolledBack
from fairway.model.judgement import JudgePolicy, Scrape
from fairway.model.policy import Judging, Phase
from fairway.model.release import Revision
from fairway.model.steps import Hold
from tests.unit.conduct.ports import House
from tests.unit.flows.place import Place
from tests.unit.rollout.parts import Spec, Specs

pytestmark = pytest.mark.anyio

CANARY = Spec(replicas=4, routed=True, steps=(Phase(traffic=5), Phase(traffic=50, scale=2, approve=True)))
GUARDED = {"judge": Judging(every=0.01, policy=JudgePolicy(limit_errors=0.05)), "monitor": 0.02, "pause": 0.02}
ROLLING = Spec(replicas=4, routed=True, surge=1)
BAD = EngineError("bad image")


def version(spec: Spec, number: int, **changes: object) -> Specs:
    return {"web": replace(spec, version=number, **changes)}  # type: ignore[arg-type]


def counting(house: House, bad_from: int) -> None:
    """Every tick is worth a verdict; release 2 answers with errors from so many replicas on."""
    seen: dict[str, tuple[int, int]] = {}

    def counted(revision: Revision, _: int) -> Scrape:
        replicas = sum(replica.revision.release == 2 for replica in house.world.replicas.values())
        bad = revision.release == 2 and replicas >= bad_from
        requests, errors = seen.get(revision.name, (0, 0))
        seen[revision.name] = requests, errors = requests + 400, errors + (120 if bad else 1)
        return Scrape({"upstream_rq_total": requests, "upstream_rq_2xx": requests - errors, "upstream_rq_5xx": errors})

    house.traffic.counted = counted


async def in_its_last_phase(place: Place, spec: Spec = CANARY) -> None:
    """Release 2 has half of the traffic, and its deployer is dead."""
    await place.deploy(version(spec, 1))
    story = place.deploying(version(spec, 2))
    await story.until(lambda: place.world.progress.get(2) is not None and place.world.progress[2].phase == 2)
    await story.kill()
    assert set(place.shares("web")) == {"web-r1", "web-r2"}


async def test_undo_takes_no_batches_and_no_holds(place: Place) -> None:
    counting(place.house, bad_from=3)
    await place.deploy(version(ROLLING, 1), web=GUARDED)
    error = await place.deploying(version(ROLLING, 2), web=GUARDED).fails()
    assert isinstance(error, RolledBack)
    back = place.steps.index("ensure web-r1 ×4")
    assert "judge (monitor) web-r2 ×3" in place.steps[back - 1]
    assert place.steps[back:] == [
        "ensure web-r1 ×4",
        "await web-r1 ×4",
        "shift web: web-r1 4",
        "drain web-r2 0",
        "retire web-r2 0",
    ]


async def test_rollback_to_what_is_gone_takes_no_batches_and_no_holds(place: Place) -> None:
    counting(place.house, bad_from=100)
    await place.deploy(version(ROLLING, 1, steps=CANARY.steps[:1]), web=GUARDED)
    await place.deploy(version(ROLLING, 2), web=GUARDED)
    assert place.replicas("web-r1") == []
    await place.going_back(1).end()
    assert place.steps == [
        "ensure web-r3 ×4",
        "await web-r3 ×4",
        "shift web: web-r3 4",
        "drain web-r2 0",
        "retire web-r2 0",
    ]
    assert place.outcome(3) == "promoted"


async def test_rollback_to_what_is_warm_moves_users_before_anything_else(place: Place) -> None:
    counting(place.house, bad_from=100)
    await place.deploy(version(ROLLING, 1, keep=60.0), web=GUARDED)
    await place.deploy(version(ROLLING, 2, keep=60.0), web=GUARDED)
    there = set(place.world.replicas)
    await place.going_back(1).end()
    assert place.steps[0] == "shift web: web-r1 4"
    assert not any(isinstance(step, Hold) for step in place.begun)
    assert place.shares("web") == {"web-r1": 4}
    assert set(place.world.replicas) < there


async def test_abort_takes_users_off_the_bad_version_although_a_good_replica_is_ill(place: Place) -> None:
    await in_its_last_phase(place)
    place.sicken("web-r1-1")
    error = await place.leading_back().fails()
    assert isinstance(error, Partial)
    assert place.steps[:2] == ["shift web: web-r1 4", "ensure web-r1 ×4"]
    assert set(place.shares("web")) == {"web-r1"}
    assert place.outcome(2) == "partial"


async def test_undo_takes_users_off_the_bad_version_although_a_good_replica_is_ill(place: Place) -> None:
    await place.deploy(version(CANARY, 1))
    story = place.deploying(version(CANARY, 2))
    await story.until(lambda: place.steps[-1:] == ["hold 0 s, approve (phase) web-r2 ×2"])
    forth = len(place.steps)
    place.sicken("web-r1-1")
    place.sicken("web-r2-1")
    assert isinstance(await story.fails(), Partial)
    assert place.steps[forth] == "shift web: web-r1 4"
    assert set(place.shares("web")) == {"web-r1"}


async def test_rollback_amid_a_canary_takes_users_off_it_although_a_good_replica_is_ill(place: Place) -> None:
    await in_its_last_phase(place)
    place.sicken("web-r1-1")
    error = await place.going_back(1).fails()
    assert isinstance(error, Partial)
    assert place.steps[0] == "shift web: web-r1 4"
    assert set(place.shares("web")) == {"web-r1"}
    assert (place.outcome(1), place.outcome(2)) == ("promoted", "interrupted")


async def test_what_is_left_of_the_good_version_is_not_given_more_than_it_can_bear(place: Place) -> None:
    await in_its_last_phase(place)
    place.remove("web-r1-1")
    await place.leading_back().end()
    assert place.steps[:3] == ["ensure web-r1 ×4", "await web-r1 ×4", "shift web: web-r1 4"]
    assert (place.outcome(2), place.shares("web")) == ("rolled back", {"web-r1": 4})


async def test_a_resumed_release_that_users_had_is_rolled_back(place: Place) -> None:
    """This deployer has moved nobody; the one before it had."""
    await in_its_last_phase(place)
    place.change("web-r2-1", state="exited", exit_code=1)
    place.house.engine.refuses["ensure web-r2 2"] = BAD
    error = await place.resuming().fails()
    assert isinstance(error, RolledBack)
    assert error.what == "release 2 failed; release 1 serves again"
    assert (place.outcome(2), place.shares("web")) == ("rolled back", {"web-r1": 4})


async def before_any_user_has_it(place: Place) -> None:
    """Release 2 is in its first job, and its deployer is dead."""
    await place.deploy(version(CANARY, 1))
    place.house.engine.job_takes = 60.0
    story = place.deploying(version(CANARY, 2, jobs=True))
    await story.until(lambda: "run before-web-r2" in place.house.calls)
    await story.kill()
    place.house.engine.job_takes = 0.0


async def test_a_release_that_nobody_had_is_not_rolled_back_when_it_is_aborted(place: Place) -> None:
    await before_any_user_has_it(place)
    await place.leading_back().end()
    assert (place.outcome(2), place.shares("web")) == ("failed", {"web-r1": 4})


async def test_a_resumed_release_that_nobody_had_has_failed(place: Place) -> None:
    await before_any_user_has_it(place)
    place.house.engine.refuses["ensure web-r2 1"] = BAD
    error = await place.resuming().fails()
    assert isinstance(error, ReleaseFailed)
    assert error.what == "release 2 failed; release 1 serves as before"
    assert (place.outcome(2), place.shares("web")) == ("failed", {"web-r1": 4})


@pytest.mark.parametrize("aborted", [False, True])
async def test_undo_is_told_no_secret_that_the_release_before_did_not_have(place: Place, aborted: bool) -> None:
    """What starts again gets the values that it had, or none: the engine keeps those of a release that has run."""
    place.secrets = {"password": b"old", "token": b"same"}
    await place.deploy(version(CANARY, 1))
    place.secrets = {"password": b"new", "token": b"same", "key": b"later"}
    story = place.deploying(version(CANARY, 2))
    await story.until(lambda: place.steps[-1:] == ["hold 0 s, approve (phase) web-r2 ×2"])
    assert place.house.engine.entrusted[-1] == place.secrets
    place.remove("web-r1-1")
    place.house.engine.entrusted.clear()
    if aborted:
        await story.kill()
        await place.leading_back().end()
    else:
        place.sicken("web-r2-1")
        await story.fails()
    assert place.house.engine.entrusted == [{"token": b"same"}]


async def test_few_do_not_carry_the_whole_load_where_the_others_are_back_in_a_moment(place: Place) -> None:
    """A batch was drained, and could not be removed: the gateway does not know those replicas any more."""
    spec = replace(ROLLING, surge=2)
    await place.deploy(version(spec, 1))
    place.house.engine.refuses["retire web-r1 2"] = EngineError("the engine is busy")
    assert isinstance(await place.deploying(version(spec, 2)).fails(), RolledBack)
    back = place.steps.index("retire web-r1 2") + 1
    assert place.steps[back:] == [
        "ensure web-r1 ×4",
        "await web-r1 ×4",
        "shift web: web-r1 4",
        "drain web-r2 0",
        "retire web-r2 0",
    ]
