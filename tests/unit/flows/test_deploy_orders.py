"""Orders to a release while its deployer is at work: what a pause holds back, and who is told what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from fairway.model.errors import Refused, RolledBack
from fairway.model.fleet import Replica
from fairway.model.orders import Order
from fairway.model.policy import Judging, Phase, Ready
from tests.unit.flows.deployers import Story
from tests.unit.flows.place import Place
from tests.unit.rollout.parts import Spec, Specs

pytestmark = pytest.mark.anyio

WEB = Spec(replicas=4, routed=True, ready=Ready(http="/up"))
CANARY = replace(WEB, steps=(Phase(traffic=5), Phase(traffic=50, scale=2)))
APPROVED = replace(WEB, steps=(Phase(traffic=5, approve=True), Phase(traffic=50, scale=2, approve=True)))


def version(spec: Spec, number: int) -> Specs:
    return {"web": replace(spec, version=number)}


async def until_it_starts(place: Place, spec: Spec, silent: int) -> Story:
    """Release 2, on its way to where the replicas from number `silent` on have started; they do not answer yet."""
    await place.deploy(version(WEB, 1))
    place.house.engine.on_start = answering_below(place, silent)
    story = place.deploying(version(spec, 2))
    await story.until(lambda: any(replica.index >= silent for replica in place.replicas("web-r2")))
    await story.until(lambda: place.steps[-1].startswith("await web-r2"))
    assert await story.waits()
    return story


def answering_below(place: Place, silent: int) -> Callable[[Replica], None]:
    def started(replica: Replica) -> None:
        place.house.well(replica)
        if replica.revision.name == "web-r2" and replica.index >= silent:
            place.house.traffic.answers[replica.address] = 503

    return started


def answer(place: Place) -> None:
    """All of them, and those that are yet to start."""
    place.house.engine.on_start = place.house.well
    place.house.traffic.answers.clear()


SHARES = {
    1: {"web-r1": 4},
    2: {"web-r1": 9500, "web-r2": 500},
    3: {"web-r1": 5000, "web-r2": 5000},
}
"""What users get while the replicas from so many on start: before the first phase, the second one, and the end."""


@pytest.mark.parametrize("silent", SHARES)
async def test_a_pause_holds_back_the_traffic_that_would_move_next(place: Place, silent: int) -> None:
    story = await until_it_starts(place, CANARY, silent)
    assert place.shares("web") == SHARES[silent]
    await place.say(Order.PAUSE)
    answer(place)
    assert await story.waits(0.1)
    assert place.shares("web") == SHARES[silent]
    await place.say(Order.RESUME)
    await story.end()
    assert (place.outcome(2), place.shares("web")) == ("promoted", {"web-r2": 4})


@pytest.mark.parametrize("silent", SHARES)
async def test_promote_takes_it_on_from_there(place: Place, silent: int) -> None:
    story = await until_it_starts(place, CANARY, silent)
    await place.say(Order.PAUSE)
    answer(place)
    assert await story.waits()
    await place.say(Order.PROMOTE)
    await story.end()
    assert (place.outcome(2), place.shares("web")) == ("promoted", {"web-r2": 4})


@pytest.mark.parametrize("silent", SHARES)
async def test_abort_leads_it_back_from_there(place: Place, silent: int) -> None:
    story = await until_it_starts(place, CANARY, silent)
    await place.say(Order.PAUSE)
    answer(place)
    assert await story.waits()
    tables = len(place.house.traffic.tables)
    await place.say(Order.ABORT)
    await story.fails()
    assert place.outcome(2) == ("failed" if silent == 1 else "rolled back")
    assert place.shares("web") == {"web-r1": 4}
    for table in place.house.traffic.tables[tables:]:
        assert not [
            backend for backend in table.services[0].backends if backend.revision == "web-r2" and backend.weight
        ]
    assert place.replicas("web-r2") == []


async def test_a_pause_does_not_hold_back_what_leads_back(place: Place) -> None:
    story = await until_it_starts(place, CANARY, 3)
    await place.say(Order.PAUSE)
    place.sicken("web-r2-3")
    assert isinstance(await story.fails(), RolledBack)
    assert place.shares("web") == {"web-r1": 4}


async def test_a_pause_that_was_given_while_nobody_led_it_is_heard(place: Place) -> None:
    story = await until_it_starts(place, CANARY, 2)
    await story.kill()
    await place.say(Order.PAUSE)
    answer(place)
    story = place.resuming()
    assert await story.waits(0.1)
    assert place.shares("web") == SHARES[2]
    await place.say(Order.RESUME)
    await story.end()
    assert place.shares("web") == {"web-r2": 4}


async def test_while_it_is_paused_the_time_for_a_verdict_stands_still(place: Place) -> None:
    judged = {"judge": Judging(every=0.01, max_hold=0.15, no_data="abort")}
    await place.deploy(version(WEB, 1))
    story = place.deploying(version(CANARY, 2), web=judged)
    await story.until(lambda: any("judge (phase)" in step for step in place.steps))
    await place.say(Order.PAUSE)
    assert await story.waits(0.4)
    await place.say(Order.RESUME)
    assert await story.waits(0.03)
    error = await story.fails()
    assert isinstance(error, RolledBack)
    assert error.__cause__ is not None
    assert "no verdict" in str(error.__cause__)


async def at_its_first_approval(place: Place) -> Story:
    await place.deploy(version(WEB, 1))
    story = place.deploying(version(APPROVED, 2))
    await story.until(lambda: 2 in place.world.progress and place.world.progress[2].phase == 1)
    return story


async def test_what_is_approved_once_is_approved(place: Place) -> None:
    story = await at_its_first_approval(place)
    await place.say(Order.PAUSE)
    await place.say(Order.APPROVE, by="bob@desk")
    given = list(place.given)
    with pytest.raises(Refused) as caught:
        await place.say(Order.APPROVE, by="eve@desk")
    assert "bob@desk" in f"{caught.value.what} {caught.value.why}"
    assert place.given == given
    await place.say(Order.RESUME)
    await story.until(lambda: place.world.progress[2].phase == 2)
    await place.say(Order.APPROVE, by="eve@desk")
    await story.end()
    assert place.outcome(2) == "promoted"


async def test_an_approval_of_another_phase_or_release_is_none_of_this_one(place: Place) -> None:
    story = await at_its_first_approval(place)
    await place.send(Order.APPROVE, 2, "bob@desk", phase=2)
    await place.send(Order.APPROVE, 1, "bob@desk", phase=1)
    found = (await place.status()).under_way
    assert found
    assert found.approve
    assert await story.waits()
    await place.say(Order.APPROVE)
    await story.end()


async def test_status_waits_for_an_approval_until_it_was_given(place: Place) -> None:
    story = await at_its_first_approval(place)
    assert await waits_for_approval(place)
    await place.say(Order.PAUSE)
    assert await waits_for_approval(place)
    await place.say(Order.APPROVE)
    assert not await waits_for_approval(place)
    await place.say(Order.RESUME)
    await story.until(lambda: place.world.progress[2].phase == 2)
    await asyncio.sleep(0)
    assert await waits_for_approval(place)
    await place.say(Order.PROMOTE)
    await story.end()


async def waits_for_approval(place: Place) -> bool:
    found = (await place.status()).under_way
    assert found
    return found.approve


async def test_who_leads_it_is_told_for_certain_and_who_may_lead_another_is_not(place: Place) -> None:
    await place.deploy(version(APPROVED, 1))
    place.later = 1.0
    story = place.deploying(version(APPROVED, 2))
    await story.until(lambda: place.world.progress.get(2) is not None)
    assert (await place.say(Order.PAUSE)).leads
    await story.kill()
    place.later = 2.0
    async with place.hold("deploy"):  # somebody else is about to begin another one
        said = await place.say(Order.RESUME)
        assert said.follower is not None
        assert not said.leads
    said = await place.say(Order.RESUME)
    assert said.follower is None
    assert not said.leads
    place.later = 3.0
    story = place.resuming()
    await story.until(lambda: place.leader is not None and place.world.progress[2].lease == place.leader.key)
    assert (await place.say(Order.RESUME)).leads
    await place.say(Order.PROMOTE)
    await story.end()
