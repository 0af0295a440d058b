"""`on_fail: hold`: what stays to be looked at, and what is led back whole because it cannot stand there idle."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fairway.model.errors import EngineError, Exit, FairwayError, Held, ReleaseFailed, RolledBack
from fairway.model.policy import Job
from fairway.ports import Ended
from tests.unit.flows.place import Place
from tests.unit.rollout.parts import Spec, Specs

pytestmark = pytest.mark.anyio

HOLD = {"on_fail": "hold"}
WEB = Spec(replicas=2, routed=True, monitor=60.0)
PROMISE = "its own replicas stay"


async def failing(place: Place, specs: Specs, revision: str, **rollouts: dict[str, object]) -> FairwayError:
    """A replica of the revision falls ill while it is watched."""
    place.house.events.clear()
    story = place.deploying(specs, **rollouts)
    await story.until(lambda: any("(monitor)" in step and revision in step for step in place.steps))
    place.sicken(f"{revision}-1")
    return await story.fails()


async def first(place: Place, specs: Specs) -> None:
    """Release 1 serves; nobody had to watch it."""
    await place.deploy({name: replace(spec, monitor=0.0) for name, spec in specs.items()})


def assert_led_back(place: Place, error: FairwayError, *serve: str) -> None:
    assert isinstance(error, ReleaseFailed | RolledBack)
    assert PROMISE not in error.what
    assert place.world.releases[-1].number == place.concluded[-1][0]
    assert place.concluded[-1][1] == ("rolled back" if isinstance(error, RolledBack) else "failed")
    assert {replica.revision.name for replica in place.world.replicas.values()} == set(serve)
    assert all(replica.alive for replica in place.world.replicas.values())


async def test_what_is_routed_stays_without_traffic(place: Place) -> None:
    await first(place, {"web": WEB})
    error = await failing(place, {"web": replace(WEB, version=2)}, "web-r2", web=HOLD)
    assert isinstance(error, Held)
    assert error.exit is Exit.HELD
    assert PROMISE in error.what
    assert place.concluded[-1] == (2, "held")
    assert len(place.replicas("web-r2")) == 2
    assert place.shares("web") == {"web-r1": 2}


async def test_what_is_held_goes_with_the_next_release(place: Place) -> None:
    await first(place, {"web": WEB})
    await failing(place, {"web": replace(WEB, version=2)}, "web-r2", web=HOLD)
    await place.deploy({"web": replace(WEB, version=3, monitor=0.0)})
    assert {replica.revision.name for replica in place.world.replicas.values()} == {"web-r3"}


async def test_a_worker_is_led_back_whole(place: Place) -> None:
    """It would go on working beside the good ones."""
    worker = Spec(replicas=2, monitor=60.0)
    await first(place, {"worker": worker})
    error = await failing(place, {"worker": replace(worker, version=2)}, "worker-r2", worker=HOLD)
    assert_led_back(place, error, "worker-r1")
    assert len(place.replicas("worker-r1")) == 2


@pytest.mark.parametrize("routed", [False, True])
async def test_what_cannot_run_twice_is_led_back_whole(place: Place, routed: bool) -> None:
    alone = Spec(routed=routed, recreate=True, monitor=60.0)
    await first(place, {"web": alone})
    error = await failing(place, {"web": replace(alone, version=2)}, "web-r2", web=HOLD)
    assert_led_back(place, error, "web-r1")


async def test_what_could_not_run_twice_before_is_led_back_whole(place: Place) -> None:
    await first(place, {"web": replace(WEB, recreate=True)})
    error = await failing(place, {"web": replace(WEB, version=2)}, "web-r2", web=HOLD)
    assert_led_back(place, error, "web-r1")


async def test_a_first_deployment_leaves_nothing(place: Place) -> None:
    error = await failing(place, {"web": WEB}, "web-r1", web=HOLD)
    assert_led_back(place, error)
    assert "nothing of it is left" in error.what


async def test_a_service_that_is_new_leaves_nothing(place: Place) -> None:
    await first(place, {"web": WEB})
    error = await failing(place, {"web": WEB, "api": replace(WEB, version=2)}, "api-r2", api=HOLD)
    assert_led_back(place, error, "web-r1")


async def test_what_was_never_started_is_not_promised(place: Place) -> None:
    await first(place, {"web": WEB})
    place.house.engine.ends["before"] = Ended(1, "no such table")
    story = place.deploying({"web": replace(WEB, version=2)}, web={**HOLD, "before": Job(command=("migrate",))})
    error = await story.fails()
    assert isinstance(error, ReleaseFailed)
    assert_led_back(place, error, "web-r1")


async def test_what_could_not_be_made_is_not_promised(place: Place) -> None:
    await first(place, {"web": WEB})
    place.house.engine.refuses["ensure web-r2 2"] = EngineError("bad image")
    error = await place.deploying({"web": replace(WEB, version=2)}, web=HOLD).fails()
    assert_led_back(place, error, "web-r1")


async def test_what_is_gone_when_it_was_led_back_is_not_promised(place: Place) -> None:
    """Somebody removes the replicas while the others are led back."""
    await first(place, {"web": WEB})
    story = place.deploying({"web": replace(WEB, version=2)}, web=HOLD)
    await story.until(lambda: place.steps[-1:] == ["hold 60 s (monitor) web-r2 ×2"])
    place.remove("web-r2-1")
    place.remove("web-r2-2")
    assert_led_back(place, await story.fails(), "web-r1")


async def test_each_service_is_held_or_led_back_for_itself(place: Place) -> None:
    worker = Spec(replicas=2, monitor=60.0)
    await first(place, {"web": WEB, "worker": worker, "api": WEB})
    second = {name: replace(spec, version=2) for name, spec in (("web", WEB), ("worker", worker), ("api", WEB))}
    error = await failing(place, second, "web-r2", web=HOLD, worker=HOLD)
    assert isinstance(error, Held)
    assert {replica.revision.name for replica in place.world.replicas.values()} == {
        "api-r1",
        "web-r1",
        "web-r2",
        "worker-r1",
    }
    assert place.shares("web") == {"web-r1": 2}
