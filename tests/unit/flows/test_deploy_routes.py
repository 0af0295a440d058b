"""A release that users are to reach in another way: nothing of it before they all have the new version."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fairway.model.orders import Order
from fairway.model.policy import Phase, Ready
from fairway.model.routes import RoutedService
from tests.unit.flows.place import Place
from tests.unit.rollout.parts import Spec

pytestmark = pytest.mark.anyio

PHASES = (Phase(traffic=5), Phase(traffic=50, scale=2, approve=True))
WEB = Spec(replicas=4, routed=True, path="/", ready=Ready(http="/up"), steps=PHASES)
MOVED = replace(WEB, version=2, path="/new", ready=Ready(http="/healthz"))


def live(place: Place) -> RoutedService:
    assert place.world.live
    (web,) = place.world.live.services
    return web


def known(place: Place) -> list[tuple[str, str | None, bool]]:
    """The path and the sign of readiness in each table since the first one, and whether the new version is in it alone."""
    told = []
    for table in place.house.traffic.tables[1:]:
        (web,) = table.services
        alone = {backend.revision for backend in web.backends if backend.weight} == {"web-r2"}
        told.append((web.route.path, web.ready.http, alone))
    return told


async def test_a_phase_changes_neither_the_live_route_nor_its_readiness(place: Place) -> None:
    await place.deploy({"web": WEB})
    story = place.deploying({"web": MOVED})
    await story.until(lambda: 2 in place.world.progress and place.world.progress[2].phase == 2)
    assert (live(place).route.path, live(place).ready.http) == ("/", "/up")
    assert place.shares("web") == {"web-r1": 5000, "web-r2": 5000}
    await place.say(Order.APPROVE)
    await story.end()
    assert (live(place).route.path, live(place).ready.http) == ("/new", "/healthz")
    assert known(place)
    for path, http, alone in known(place):
        assert (path, http) == (("/new", "/healthz") if alone else ("/", "/up"))


async def test_whoever_goes_on_with_it_keeps_them_too(place: Place) -> None:
    await place.deploy({"web": WEB})
    story = place.deploying({"web": MOVED})
    await story.until(lambda: 2 in place.world.progress and place.world.progress[2].phase == 2)
    await story.kill()
    story = place.resuming()
    await story.until(lambda: place.steps[-1:] == ["hold 0 s, approve (phase) web-r2 ×2"])
    assert (live(place).route.path, live(place).ready.http) == ("/", "/up")
    await place.say(Order.APPROVE)
    await story.end()
    assert (live(place).route.path, live(place).ready.http) == ("/new", "/healthz")


async def test_one_that_fails_in_a_phase_has_changed_them_for_nobody(place: Place) -> None:
    await place.deploy({"web": WEB})
    story = place.deploying({"web": MOVED})
    await story.until(lambda: place.steps[-1:] == ["hold 0 s, approve (phase) web-r2 ×2"])
    place.sicken("web-r2-1")
    await story.fails()
    assert {(path, http) for path, http, _ in known(place)} == {("/", "/up")}
    assert place.shares("web") == {"web-r1": 4}
