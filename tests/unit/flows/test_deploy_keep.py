"""What is kept warm: for as long as it was promised, whatever is deployed meanwhile, and tidied up after once."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from fairway.model.errors import EngineError, Partial, ReleaseFailed
from fairway.model.policy import Job
from fairway.model.release import Release, Revision
from fairway.ports import Ended
from tests.unit.flows.place import Place
from tests.unit.rollout.parts import Spec, Specs

pytestmark = pytest.mark.anyio

HOUR = 3600.0
WEB = Spec(routed=True, keep=HOUR, jobs=True)
API = Spec(routed=True)


def versions(web: int, api: int) -> Specs:
    return {"web": replace(WEB, version=web), "api": replace(API, version=api)}


def jobs(place: Place) -> list[str]:
    return [call for call in place.house.calls if call.startswith("run ")]


async def test_what_a_release_owes_is_run_by_the_one_that_removes_what_was_kept(place: Place) -> None:
    await place.deploy(versions(1, 1))
    await place.deploy(versions(2, 1))
    assert len(place.replicas("web-r1")) == 1
    place.house.calls.clear()
    place.later = HOUR + 1
    await place.deploy(versions(2, 2))
    assert place.outcome(3) == "promoted"
    assert place.replicas("web-r1") == []
    assert jobs(place) == ["run after_keep-web-r2"]
    assert place.steps.index("run after_keep-web-r2") > max(
        at for at, step in enumerate(place.steps) if step.startswith("retire") and "web-r1" in step
    )
    await place.deploy(versions(2, 2))
    await place.deploy(versions(2, 3))
    assert jobs(place) == ["run after_keep-web-r2"]


async def test_reconcile_runs_what_is_owed_once(place: Place) -> None:
    await place.deploy(versions(1, 1))
    await place.deploy(versions(2, 1))
    place.house.calls.clear()
    place.later = HOUR + 1
    await place.reconciling().end()
    assert place.replicas("web-r1") == []
    assert jobs(place) == ["run after_keep-web-r2"]
    await place.reconciling().end()
    await place.deploy(versions(2, 2))
    assert jobs(place) == ["run after_keep-web-r2"]


async def test_the_same_again_runs_nothing_before_its_time(place: Place) -> None:
    await place.deploy(versions(1, 1))
    await place.deploy(versions(2, 1))
    place.house.calls.clear()
    assert (await place.status()).converged
    await place.deploy(versions(2, 1))
    assert place.steps == []
    assert jobs(place) == []
    assert len(place.replicas("web-r1")) == 1


async def test_what_a_version_owes_is_run_when_a_newer_one_comes_before_its_time(place: Place) -> None:
    """Its predecessor goes then: the newer one keeps that version itself."""
    await place.deploy(versions(1, 1))
    await place.deploy(versions(2, 1))
    place.house.calls.clear()
    place.later = HOUR / 2
    await place.deploy(versions(3, 1))
    assert place.replicas("web-r1") == []
    assert len(place.replicas("web-r2")) == 1
    assert jobs(place) == ["run before-web-r3", "run after_keep-web-r2"]
    assert place.steps[-1] == "run after_keep-web-r2"
    assert place.steps.index("retire web-r1 0") < place.steps.index("run after_keep-web-r2")
    await place.deploy(versions(3, 2))
    place.later = 2 * HOUR
    await place.reconciling().end()
    assert jobs(place)[2:] == ["run after_keep-web-r3"]


async def test_what_is_owed_is_run_in_the_order_of_versions_as_each_has_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, str, int]] = []
    plain = place.house.engine.run_once

    async def run_once(release: Release, revision: Revision, name: str, job: Job, **told: Any) -> Ended:
        ran.append((name, release.images[revision.service].reference, release.number))
        return await plain(release, revision, name, job, **told)

    monkeypatch.setattr(place.house.engine, "run_once", run_once)
    await place.deploy(versions(1, 1))
    await place.deploy(versions(2, 1))
    ran.clear()
    await place.deploy({"web": replace(WEB, version=3, keep=0.0), "api": API})
    assert ran == [
        ("before-web-r3", "web:3", 3),
        ("after_keep-web-r2", "web:2", 3),
        ("after_keep-web-r3", "web:3", 3),
    ]


async def test_what_failed_to_tidy_up_is_tried_again(place: Place) -> None:
    await place.deploy(versions(1, 1))
    await place.deploy(versions(2, 1))
    place.house.engine.ends["after_keep"] = Ended(1)
    assert isinstance(await place.deploying(versions(3, 1)).fails(), Partial)
    assert place.outcome(3) == "promoted"
    assert not (await place.status()).converged
    place.house.calls.clear()
    del place.house.engine.ends["after_keep"]
    await place.reconciling().end()
    assert jobs(place) == ["run after_keep-web-r2"]
    await place.reconciling().end()
    assert jobs(place) == ["run after_keep-web-r2"]


async def test_what_is_owed_leaves_no_container_even_where_the_newer_version_has_no_jobs(place: Place) -> None:
    await place.deploy(versions(1, 1))
    await place.deploy(versions(2, 1))
    place.house.calls.clear()
    await place.deploy({"web": Spec(version=3, routed=True), "api": API})
    assert jobs(place) == ["run after_keep-web-r2"]
    assert place.house.calls.index("forget 3") > place.house.calls.index("run after_keep-web-r2")


async def test_a_release_that_fails_tidies_up_nothing(place: Place) -> None:
    await place.deploy(versions(1, 1))
    await place.deploy(versions(2, 1))
    place.house.calls.clear()
    place.house.engine.refuses["ensure web-r3 1"] = EngineError("bad image")
    await place.deploying(versions(3, 1)).fails()
    assert jobs(place) == ["run before-web-r3"]


async def test_what_was_brought_back_needs_what_would_have_been_tidied_up(place: Place) -> None:
    await place.deploy(versions(1, 1))
    await place.deploy(versions(2, 1))
    await place.going_back(1).end()
    place.house.calls.clear()
    await place.deploy(versions(4, 1))
    place.later = 2 * HOUR
    await place.reconciling().end()
    assert jobs(place) == ["run before-web-r4", "run after_keep-web-r4"]


@pytest.mark.parametrize("late", [False, True])
async def test_a_release_that_fails_removes_nothing_that_is_kept(place: Place, late: bool) -> None:
    """Whether it fails before its replicas have started, or afterwards."""
    kept = Spec(replicas=2, routed=True, keep=HOUR)
    await place.deploy({"web": kept})
    await place.deploy({"web": replace(kept, version=2)})
    there = {replica.name for replica in place.world.replicas.values()}
    place.later = HOUR / 2
    if late:
        story = place.deploying({"web": replace(kept, version=3, monitor=60.0)})
        await story.until(lambda: place.steps[-1:] == ["hold 60 s (monitor) web-r3 ×2"])
        place.sicken("web-r3-1")
        await story.fails()
    else:
        place.house.engine.refuses["ensure web-r3 2"] = EngineError("bad image")
        assert isinstance(await place.deploying({"web": replace(kept, version=3)}).fails(), ReleaseFailed)
    assert {replica.name for replica in place.world.replicas.values()} == there
    assert place.shares("web") == {"web-r2": 2}
    found = await place.status()
    assert found.converged
    assert [(service.revision, service.warm) for service in found.services] == [("web-r2", False), ("web-r1", True)]
    await place.going_back(1).end()
    assert place.steps[0] == "shift web: web-r1 2"
    assert place.shares("web") == {"web-r1": 2}
    assert {replica.name for replica in place.replicas("web-r1")} <= there


async def test_what_was_kept_long_enough_does_not_outlive_a_release_that_fails(place: Place) -> None:
    kept = Spec(replicas=2, routed=True, keep=HOUR)
    await place.deploy({"web": kept})
    await place.deploy({"web": replace(kept, version=2)})
    place.later = HOUR + 1
    place.house.engine.refuses["ensure web-r3 2"] = EngineError("bad image")
    await place.deploying({"web": replace(kept, version=3)}).fails()
    assert {replica.revision.name for replica in place.world.replicas.values()} == {"web-r2"}
