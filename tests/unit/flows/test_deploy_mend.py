"""Mending the release that serves: it is not on trial, whatever becomes of the mending."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from fairway.model.errors import EngineError, Exit, Partial, RolledBack
from fairway.model.fleet import Replica
from fairway.model.orders import Order
from fairway.model.policy import Ready
from tests.unit.flows.deployers import Story
from tests.unit.flows.place import Place
from tests.unit.rollout.parts import Spec, Specs

pytestmark = pytest.mark.anyio

WEB = Spec(replicas=2, routed=True, ready=Ready(http="/up"))
FIRST, SECOND, THIRD = ({"web": replace(WEB, version=version)} for version in (1, 2, 3))
FULL = EngineError("no space left on device")


async def damaged(place: Place, *history: Specs) -> None:
    """The last of these releases serves, with one of its replicas gone."""
    for specs in history:
        await place.deploy(specs)
    place.remove(f"web-r{len(history)}-1")
    place.concluded.clear()


def deploying(place: Place, specs: Specs) -> Story:
    return place.deploying(specs)


def reconciling(place: Place, specs: Specs) -> Story:
    return place.reconciling()


@pytest.mark.parametrize("mending", [deploying, reconciling])
@pytest.mark.parametrize("history", [(FIRST,), (FIRST, SECOND)])
async def test_a_step_that_fails_undoes_and_concludes_nothing(
    place: Place, history: tuple[Specs, ...], mending: Callable[[Place, Specs], Story]
) -> None:
    await damaged(place, *history)
    number = len(history)
    finished = place.finished[number]
    place.house.engine.refuses[f"ensure web-r{number} 2"] = FULL
    error = await mending(place, history[-1]).fails()
    assert isinstance(error, Partial)
    assert error.exit is Exit.PARTIAL
    assert FULL.what in f"{error.what} {error.why} {error.__cause__}"
    assert place.steps == [f"ensure web-r{number} ×2"]
    assert place.concluded == []
    assert (place.outcome(number), place.finished[number]) == ("promoted", finished)
    assert set(place.shares("web")) == {f"web-r{number}"}
    assert [replica.name for replica in place.world.replicas.values()] == [f"web-r{number}-2"]


async def test_one_that_is_interrupted_undoes_and_concludes_nothing(place: Place) -> None:
    await damaged(place, FIRST, SECOND)
    place.house.engine.on_start = starting(place)
    story = place.deploying(SECOND)
    await story.until(lambda: "await web-r2 ×2" in place.steps)
    assert await story.waits()
    story.interrupt()
    assert isinstance(await story.fails(), Partial)
    assert place.steps == ["ensure web-r2 ×2", "await web-r2 ×2"]
    assert place.concluded == []
    assert place.outcome(2) == "promoted"
    assert set(place.shares("web")) == {"web-r2"}
    place.house.traffic.answers.clear()
    await place.deploy(SECOND)
    assert len(place.replicas("web-r2")) == 2


async def test_a_later_release_that_fails_is_led_back_to_it_all_the_same(place: Place) -> None:
    await damaged(place, FIRST, SECOND)
    place.house.engine.refuses["ensure web-r2 2"] = FULL
    await place.deploying(SECOND).fails()
    place.house.engine.refuses.clear()
    place.house.engine.on_start = starting(place)
    story = place.deploying(THIRD)
    await story.until(lambda: "await web-r3 ×2" in place.steps)
    assert await story.waits()
    place.house.engine.on_start = place.house.well
    story.interrupt()
    await story.fails()
    assert place.concluded[-1][0] == 3
    assert place.shares("web") == {"web-r2": 2}
    assert {replica.revision.name for replica in place.world.replicas.values()} == {"web-r2"}
    found = await place.status()
    assert found.release and found.release.number == 2


async def test_one_that_succeeds_does_not_begin_the_keep_anew(place: Place) -> None:
    kept = replace(WEB, keep=600.0)
    await place.deploy({"web": kept})
    await place.deploy({"web": replace(kept, version=2)})
    finished = place.finished[2]
    place.later = 590.0
    place.remove("web-r2-1")
    await place.deploy({"web": replace(kept, version=2)})
    assert len(place.replicas("web-r2")) == 2
    assert (place.outcome(2), place.finished[2]) == ("promoted", finished)
    assert any(service.warm for service in (await place.status()).services)
    place.later = 610.0
    found = await place.status()
    assert not any(service.warm for service in found.services)
    assert not found.converged
    await place.deploy({"web": replace(kept, version=2)})
    assert place.replicas("web-r1") == []
    assert place.finished[2] == finished


@pytest.mark.parametrize("order", list(Order))
async def test_it_follows_no_orders(place: Place, order: Order) -> None:
    await damaged(place, FIRST, SECOND)
    await place.send(order, 2, "bob@desk")
    place.house.engine.on_start = starting(place)
    story = place.deploying(SECOND)
    await story.until(lambda: "await web-r2 ×2" in place.steps)
    await place.send(order, 2, "bob@desk")
    place.house.traffic.answers.clear()
    await story.end()
    assert place.outcome(2) == "promoted"
    assert len(place.replicas("web-r2")) == 2
    assert place.shares("web") == {"web-r2": 2}


async def test_a_lost_lease_ends_it_without_a_word_in_the_ledger(place: Place) -> None:
    await damaged(place, FIRST, SECOND)
    place.house.engine.on_start = starting(place)
    story = place.deploying(SECOND)
    await story.until(lambda: "await web-r2 ×2" in place.steps)
    assert await story.waits()
    place.lose_lease()
    error = await story.fails()
    assert "lease" in error.what
    assert place.steps == ["ensure web-r2 ×2", "await web-r2 ×2"]
    assert place.concluded == []


async def test_what_a_release_has_left_half_done_is_no_mending(place: Place) -> None:
    """A release that is on its way fails as one, also where it has to start a replica a second time."""
    await place.deploy(FIRST)
    place.house.engine.refuses["retire web-r1 0"] = FULL
    assert isinstance(await place.deploying(SECOND).fails(), Partial)
    assert place.outcome(2) == "promoted"
    place.house.engine.refuses.clear()
    monitored = {"web": replace(WEB, version=3, monitor=60.0)}
    story = place.deploying(monitored)
    await story.until(lambda: place.steps[-1:] == ["hold 60 s (monitor) web-r3 ×2"])
    place.sicken("web-r3-1")
    assert isinstance(await story.fails(), RolledBack)
    assert place.shares("web") == {"web-r2": 2}


def starting(place: Place) -> Callable[[Replica], None]:
    """Replicas run, and do not answer yet."""

    def started(replica: Replica) -> None:
        place.house.well(replica)
        place.house.traffic.answers[replica.address] = 503

    return started
