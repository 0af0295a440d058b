"""Deployers that end before their release does: what whoever comes next finds, and what nobody touches any more."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from fairway.conduct import ready
from fairway.model.errors import Aborted, EngineError, Exit, FairwayError
from fairway.model.events import Note
from fairway.model.policy import Job, Phase, Ready
from fairway.model.steps import Shift
from tests.unit.conduct.ports import House
from tests.unit.flows.deployers import Story
from tests.unit.flows.place import Place
from tests.unit.rollout.parts import Spec, Specs
from tests.unit.rollout.world import World

pytestmark = pytest.mark.anyio

CANARY = Spec(replicas=4, routed=True, steps=(Phase(traffic=5), Phase(traffic=50, scale=2, approve=True)))


def versions(**numbers: int) -> Specs:
    return {name: replace(CANARY, version=number) for name, number in numbers.items()}


async def waiting_for_approval(place: Place, specs: Specs, number: int = 2) -> Story:
    story = place.deploying(specs)
    await story.until(lambda: number in place.world.progress and place.world.progress[number].phase == 2)
    return story


async def test_what_was_cut_off_loses_its_users_first_where_the_next_release_does_not_want_it(place: Place) -> None:
    await place.deploy(versions(api=1, web=1))
    await (await waiting_for_approval(place, versions(api=2, web=1))).kill()
    assert set(place.shares("api")) == {"api-r1", "api-r2"}
    known = len(place.house.traffic.tables)
    story = await waiting_for_approval(place, versions(api=1, web=2), 3)
    (first, *later) = [step for step in place.begun if isinstance(step, Shift)]
    assert first.weights == {"api": {"api-r1": 4}}
    assert place.steps[0] == "shift api: api-r1 4"
    for table in place.house.traffic.tables[known:]:
        (api,) = [routed for routed in table.services if routed.service == "api"]
        assert [backend.revision for backend in api.backends if backend.weight] == ["api-r1"]
    assert later
    assert place.outcome(2) == "interrupted"
    assert set(place.shares("web")) == {"web-r1", "web-r3"}
    await story.kill()
    await place.leading_back().end()
    assert {replica.revision.name for replica in place.world.replicas.values()} == {"api-r1", "web-r1"}


async def test_a_job_that_was_changed_is_run_for_the_same_revision(place: Place) -> None:
    """The revision of the release that was cut off is there still, and it was prepared by another job."""
    await place.deploy(versions(web=1))
    first, second = Job(command=("migrate", "1")), Job(command=("migrate", "2"))
    await (await waiting_for_changed(place, first)).kill()
    assert place.house.engine.jobs == [first]
    there = [replica.name for replica in place.replicas("web-r2")]
    await place.deploy({"web": replace(CANARY, version=2, steps=())}, web={"before": second})
    assert place.house.engine.jobs == [first, second]
    assert {replica.name for replica in place.replicas("web-r2")} >= set(there)


async def test_a_job_that_is_the_same_is_not_run_again(place: Place) -> None:
    await place.deploy(versions(web=1))
    job = Job(command=("migrate", "1"))
    await (await waiting_for_changed(place, job)).kill()
    await place.deploy({"web": replace(CANARY, version=2, steps=())}, web={"before": job})
    assert place.outcome(3) == "promoted"
    assert place.house.engine.jobs == [job]


async def waiting_for_changed(place: Place, job: Job) -> Story:
    story = place.deploying(versions(web=2), web={"before": job})
    await story.until(lambda: 2 in place.world.progress and place.world.progress[2].phase == 2)
    return story


def changes(place: Place) -> list[str]:
    """Calls that change something."""
    return [call for call in place.house.calls if call.startswith(("ensure", "retire", "apply", "run", "forget"))]


def assert_lost(place: Place, error: FairwayError, before: list[str]) -> None:
    """It says so, and whoever holds the lease now finds everything as it was."""
    assert "lease" in error.what
    assert "lost" in error.what
    assert isinstance(error, EngineError)
    assert not isinstance(error, Aborted)
    assert error.exit is not Exit.ROLLED_BACK
    assert changes(place) == before
    assert not [event for event in place.house.events if isinstance(event, Note)]


async def test_a_lost_lease_leads_nothing_back(place: Place) -> None:
    await place.deploy(versions(web=1))
    story = await waiting_for_approval(place, versions(web=2))
    before, shares, concluded = changes(place), place.shares("web"), list(place.concluded)
    place.lose_lease()
    assert_lost(place, await story.fails(), before)
    assert place.shares("web") == shares
    assert (place.concluded, place.outcome(2)) == (concluded, "")


async def test_a_lease_that_is_lost_while_replicas_start_leads_nothing_back(place: Place) -> None:
    await place.deploy(versions(web=1))
    place.house.engine.slow = 20
    story = place.deploying(versions(web=2))
    await story.until(lambda: "ensure web-r2 1" in place.house.calls)
    before = changes(place)
    place.lose_lease()
    error = await story.fails()
    assert_lost(place, error, [*before, *changes(place)[len(before) :][:1]])
    assert changes(place)[len(before) :] in ([], ["ensure web-r2 1 done"])


async def test_a_lease_that_is_lost_as_a_step_fails_leads_nothing_back(place: Place) -> None:
    await place.deploy(versions(web=1))
    story = await waiting_for_approval(place, versions(web=2))
    before = changes(place)
    place.sicken("web-r2-1")
    place.lose_lease()
    assert_lost(place, await story.fails(), before)
    assert place.outcome(2) == ""


async def test_a_lease_that_is_lost_on_the_way_back_ends_it_there(place: Place) -> None:
    await place.deploy(versions(web=1))
    story = await waiting_for_approval(place, versions(web=2))
    place.house.traffic.open_now = [1] * 1000
    place.sicken("web-r2-1")
    await story.until(lambda: place.steps[-1:] == ["drain web-r2 0"])
    before, concluded = changes(place), list(place.concluded)
    place.lose_lease()
    assert_lost(place, await story.fails(), [*before, *changes(place)[len(before) :][:1]])
    assert "retire web-r2 0" not in place.house.calls
    assert place.concluded == concluded


async def test_a_lease_that_is_lost_by_who_leads_back_ends_it_there(place: Place) -> None:
    await place.deploy(versions(web=1))
    await (await waiting_for_approval(place, versions(web=2))).kill()
    place.house.traffic.open_now = [1] * 1000
    story = place.leading_back()
    await story.until(lambda: place.steps[-1:] == ["drain web-r2 0"])
    concluded = list(place.concluded)
    place.lose_lease()
    error = await story.fails()
    assert "lease" in error.what
    assert "retire web-r2 0" not in place.house.calls
    assert (place.concluded, place.outcome(2)) == (concluded, "")


async def test_an_interruption_is_heard_whatever_else_is_heard_in_that_moment(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine has news of the replicas that one waits for, so many turns of the event loop before."""
    monkeypatch.setattr(ready, "TICK", 30.0)
    late = []
    for turns in range(12):
        place = Place(house)
        house.world = house.engine.world = house.traffic.world = World()
        await place.deploy({"web": Spec(routed=True)})
        story = place.deploying({"web": Spec(version=2, routed=True, ready=Ready(min_ready=60.0))})
        await story.until(lambda: place.steps[-1:] == ["await web-r2 ×1"])  # noqa: B023
        await story.waits(0.02)
        house.engine.tell()
        for _ in range(turns):
            await asyncio.sleep(0)
        story.interrupt()
        await asyncio.wait([story.task], timeout=3)  # as soon as it ends: 3 s are for a busy machine
        if not story.task.done():
            late.append(turns)
            place.sicken("web-r2-1")
        await story.fails()
    assert late == []


async def test_an_interruption_still_leads_back(place: Place) -> None:
    await place.deploy(versions(web=1))
    story = await waiting_for_approval(place, versions(web=2))
    story.interrupt()
    error = await story.fails()
    assert error.exit is Exit.ROLLED_BACK
    assert (place.outcome(2), place.shares("web")) == ("rolled back", {"web-r1": 4})
    assert place.replicas("web-r2") == []
