"""A host that is lost on the way, as its policy has it."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from fairway.flows import deploy as stories
from fairway.flows import proposal
from fairway.flows.context import Target
from fairway.model.errors import Exit, HostLost, Partial, ReleaseFailed
from fairway.model.release import Release, under_way
from tests.unit.flows.place import Place
from tests.unit.rollout.parts import Spec, Specs

pytestmark = pytest.mark.anyio
LOST = HostLost("h3 does not answer", where="h3", why="no route to host")


async def deployed(place: Place, target: Target, specs: Specs) -> stories.Deployed:
    async def wanted() -> proposal.Propose:
        return proposal.of(place.wanted(specs))

    return await stories.deploy(target, wanted(), {}, place.house.events.append)


async def test_it_stops_where_it_is_and_somebody_goes_on(place: Place) -> None:
    await place.deploy({"web": Spec(routed=True)})
    place.house.engine.refuses["ensure web-r2 1"] = LOST
    with pytest.raises(Partial, match="release 2 has stopped where it was: h3 does not answer") as failed:
        await deployed(place, replace(place.target(), stops_on_loss=True), {"web": Spec(version=2, routed=True)})
    assert "`fairway resume` goes on" in failed.value.hint
    begun = under_way(await place.read())
    assert begun and begun.number == 2
    assert place.leader is None
    place.house.engine.refuses.clear()
    await place.resuming().end()
    assert place.concluded[-1] == (2, "promoted")


async def test_it_is_led_back(place: Place) -> None:
    await place.deploy({"web": Spec(routed=True)})
    place.house.engine.refuses["ensure web-r2 1"] = LOST
    with pytest.raises(ReleaseFailed, match="release 2 failed; release 1 serves as before"):
        await deployed(place, place.target(), {"web": Spec(version=2, routed=True)})
    assert place.concluded[-1] == (2, "failed")


async def test_it_goes_on_and_says_what_lacks_the_release(place: Place) -> None:
    target = replace(place.target(), lost=lambda: {"h3": "no route to host"})
    with pytest.raises(Partial, match="release 1 serves, without h3") as told:
        await deployed(place, target, {"web": Spec(routed=True)})
    assert told.value.exit is Exit.PARTIAL
    assert place.concluded[-1] == (1, "promoted")
    await asyncio.sleep(0)


async def test_what_waits_for_its_data_stops_nothing_else(place: Place) -> None:
    """Its host does not answer, and so nothing of it is seen."""
    specs = {"web": Spec(routed=True, replicas=2), "db": Spec()}
    await place.deploy(specs)
    for replica in place.replicas("db-r1"):
        place.remove(replica.name)
    place.remove("web-r1-2")
    target = replace(place.target(), waiting=db_waits)
    with pytest.raises(Partial, match="release 1 serves, without db") as caught:
        await stories.reconcile(target, {}, place.house.events.append)
    assert "db waits for its data, on h1" in caught.value.why
    assert [one.name for one in place.replicas("web-r1")] == ["web-r1-1", "web-r1-2"]
    assert place.replicas("db-r1") == []
    with pytest.raises(Partial, match="release 2 serves, without db"):
        await deployed(place, target, {**specs, "web": Spec(routed=True, version=2)})
    assert place.shares("web") == {"web-r2": 1}
    await place.reconciling().end()
    assert len(place.replicas("db-r1")) == 1, "the host is back"


async def db_waits(_release: Release) -> dict[str, str]:
    return {"db": "h1"}
