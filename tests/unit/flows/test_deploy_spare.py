"""What Compose's update_config and rollback_config allow to fail, and how much of it at a time comes back."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fairway.model.errors import Partial, ReleaseFailed, RolledBack
from fairway.model.events import Note
from fairway.model.fleet import Health, Replica, State
from fairway.model.policy import Ready, WayBack
from tests.unit.flows.place import Place
from tests.unit.rollout.drive import weighted
from tests.unit.rollout.parts import Spec, Specs

pytestmark = pytest.mark.anyio

WEB = Spec(replicas=4, routed=True)
ONE = {"spare": 1}


def version(number: int, spec: Spec = WEB) -> Specs:
    return {"web": replace(spec, version=number)}


def dies(place: Place, *names: str) -> None:
    """These end as soon as they have started."""

    def started(replica: Replica) -> None:
        if replica.name in names:
            place.world.change(replica, state=State.EXITED, exit_code=1)

    place.house.engine.on_start = started


def notes(place: Place) -> list[str]:
    return [event.text for event in place.house.events if isinstance(event, Note)]


async def test_a_release_goes_on_without_as_many_as_may_fail_and_they_get_no_requests(place: Place) -> None:
    await place.deploy(version(1), web=ONE)
    dies(place, "web-r2-3")
    await place.deploy(version(2), web=ONE)
    assert place.outcome(2) == "promoted"
    assert notes(place) == [
        "web-r2-3 failed before it was ready: it ended with exit status 1; it goes on without that one"
    ]
    (serves,) = weighted(place.world, "web")
    assert {point.address for point in serves.endpoints} == {
        replica.address for replica in place.replicas("web-r2") if replica.up
    }
    assert len(serves.endpoints) == 3
    assert place.replicas("web-r1") == []
    found = await place.status()
    assert not found.converged
    assert any("web-r2-3" in problem for problem in found.problems)


async def test_one_more_than_may_fail_leads_back_before_anybody_notices(place: Place) -> None:
    await place.deploy(version(1), web=ONE)
    dies(place, "web-r2-2", "web-r2-4")
    assert isinstance(await place.deploying(version(2), web=ONE).fails(), ReleaseFailed)
    assert place.shares("web") == {"web-r1": 4}
    assert not any(step.startswith("shift web: web-r2") for step in place.steps)


async def test_what_is_late_is_one_that_fails(place: Place) -> None:
    spec = replace(WEB, ready=Ready(http="/up", deadline=0.05))
    await place.deploy(version(1, spec), web=ONE)

    def silent(replica: Replica) -> None:
        if replica.name == "web-r2-1":
            place.house.traffic.answers[replica.address] = None

    place.house.engine.on_start = silent
    await place.deploy(version(2, spec), web=ONE)
    assert "web-r2-1 was not ready within 0.05 s" in notes(place)[0]
    assert len(weighted(place.world, "web")[0].endpoints) == 3


@pytest.mark.parametrize(("dying", "served"), [(("web-r2-1",), "web-r1"), (("web-r2-2",), "web-r2")])
async def test_no_batch_is_spared_whole(place: Place, dying: tuple[str, ...], served: str) -> None:
    spec = replace(WEB, surge=1)
    rollout = {"surge": 1, **ONE}
    await place.deploy(version(1, spec), web=rollout)
    dies(place, *dying)
    story = place.deploying(version(2, spec), web=rollout)
    if served == "web-r1":
        await story.fails()
    else:
        await story.end()
    assert set(place.shares("web")) == {served}


@pytest.mark.parametrize(("ill", "goes_on"), [(1, True), (2, False)])
async def test_what_dies_while_it_is_watched_is_one_of_them(place: Place, ill: int, goes_on: bool) -> None:
    rollout = {"monitor": 0.2, **ONE}
    await place.deploy(version(1), web=rollout)
    story = place.deploying(version(2), web=rollout)
    await story.until(lambda: place.steps[-1:] == ["hold 0.2 s (monitor) web-r2 ×4"])
    for number in range(ill):
        place.change(f"web-r2-{number + 1}", health=Health.UNHEALTHY)
    if goes_on:
        await story.end()
        assert place.shares("web") == {"web-r2": 4}
    else:
        assert isinstance(await story.fails(), RolledBack)
        assert place.shares("web") == {"web-r1": 4}


BATCHES = {"back": WayBack(surge=2, pause=0.01, monitor=0.02)}


async def test_a_rollback_that_was_asked_for_has_the_batches_and_the_pauses_of_rollback_config(place: Place) -> None:
    await place.deploy(version(1), web=BATCHES)
    await place.deploy(version(2))
    await place.going_back(1).end()
    assert place.steps == [
        "ensure web-r3 ×2",
        "await web-r3 ×2",
        "shift web: web-r2 2, web-r3 2",
        "hold 0.02 s (monitor) web-r3 ×2",
        "drain web-r2 2",
        "retire web-r2 2",
        "ensure web-r3 ×4",
        "await web-r3 ×4",
        "shift web: web-r3 4",
        "hold 0.02 s (monitor) web-r3 ×4",
        "drain web-r2 0",
        "retire web-r2 0",
    ]


async def test_nobody_waits_in_a_version_that_has_failed(place: Place) -> None:
    """Batches, but no pauses; and what is there takes over before any of that."""
    rolling = {"monitor": 60.0, **BATCHES}
    spec = replace(WEB, surge=2)
    await place.deploy(version(1, spec), web=BATCHES)
    story = place.deploying(version(2, replace(spec, monitor=60.0)), web=rolling)
    await story.until(lambda: "hold 60 s (monitor) web-r2 ×2" in place.steps)
    place.sicken("web-r2-1")
    await story.fails()
    assert place.steps[-3:] == ["shift web: web-r1 4", "drain web-r2 0", "retire web-r2 0"]
    assert not any("hold 0.0" in step for step in place.steps)


async def test_who_has_left_a_version_that_has_failed_is_not_led_back_to_it_batch_by_batch(place: Place) -> None:
    await place.deploy(version(1), web={"back": WayBack(surge=1)})
    story = place.deploying(version(2), web={"monitor": 60.0})
    await story.until(lambda: place.steps[-1:] == ["hold 60 s (monitor) web-r2 ×4"])
    for number in (2, 3, 4):
        place.change(f"web-r1-{number}", state=State.EXITED, exit_code=1)
    place.sicken("web-r2-1")
    assert isinstance(await story.fails(), RolledBack)
    failed = place.steps.index("hold 60 s (monitor) web-r2 ×4")
    assert {step for step in place.steps[failed:] if step.startswith("shift")} == {"shift web: web-r1 4"}


@pytest.mark.parametrize(("back", "kind"), [(WayBack(spare=3), RolledBack), (WayBack(), Partial)])
async def test_the_way_back_goes_on_with_what_is_ready_where_that_is_said(
    place: Place, back: WayBack, kind: type[Exception]
) -> None:
    """`failure_action: continue` of rollback_config; pause stops there."""
    spec = replace(WEB, surge=3)
    await place.deploy(version(1, spec), web={"back": back})
    story = place.deploying(version(2, replace(spec, monitor=60.0)), web={"monitor": 60.0, "surge": 3})
    await story.until(lambda: "hold 60 s (monitor) web-r2 ×3" in place.steps)
    place.remove("web-r1-3")
    dies(place, "web-r1-3")
    place.sicken("web-r2-1")
    assert isinstance(await story.fails(), kind)


async def test_what_an_unrouted_service_says_of_its_order_counts_on_the_way_back(place: Place) -> None:
    spec = Spec(replicas=2)
    await place.deploy(version(1, spec), web={"back": WayBack(recreate=True)})
    await place.deploy(version(2, spec))
    await place.going_back(1).end()
    assert place.steps[:4] == ["drain web-r2 0", "retire web-r2 0", "ensure web-r3 ×2", "await web-r3 ×2"]
