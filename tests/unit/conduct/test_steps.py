"""Each step by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Generator

import pytest
from msgspec.structs import replace

from fairway.model.errors import EngineError, NotReady
from fairway.model.fleet import Health, State
from fairway.model.policy import Ready, Rollout, Route, ServicePolicy
from fairway.model.steps import (
    AwaitExit,
    AwaitReady,
    Drain,
    Ensure,
    Hold,
    Outcome,
    Retire,
    Step,
    Verdict,
    Want,
)
from tests.unit.conduct.driving import WEB, deploy, one, with_policy
from tests.unit.conduct.ports import House
from tests.unit.rollout.parts import Spec

pytestmark = pytest.mark.anyio


async def test_too_few_replicas_are_not_ready(house: House) -> None:
    release = house.world.propose({"web": WEB})
    web = release.revisions["web"]
    house.world.make(web, 1)
    for step in (AwaitReady((Want(web, 2),)), AwaitExit((Want(web, 2),)), Hold(1, (Want(web, 2),))):
        outcomes, _ = await one(house, release, step)
        assert isinstance(outcomes[0].error, NotReady)
        assert "1 of 2" in outcomes[0].error.what


async def test_only_so_many_replicas_are_awaited_as_are_wanted(house: House) -> None:
    release = house.world.propose({"web": WEB})
    web = release.revisions["web"]
    house.world.make(web, 2)
    house.world.make(web, 7, health=Health.UNHEALTHY)
    outcomes, _ = await one(house, release, AwaitReady((Want(web, 1),)), Hold(0.01, (Want(web, 1),)))
    assert all(outcome.ok for outcome in outcomes)


async def test_a_crash_before_the_first_look_is_a_crash_but_not_one_of_long_ago(house: House) -> None:
    release = house.world.propose({"web": WEB})
    web = release.revisions["web"]
    house.engine.change(house.world.make(web, 1), restarts=5)
    outcomes, _ = await one(house, release, AwaitReady((Want(web, 1),)))
    assert outcomes[0].ok
    house.engine.on_start = lambda replica: house.engine.change(replica, restarts=1)
    outcomes, _ = await one(house, release, Ensure((Want(web, 2),)), AwaitReady((Want(web, 2),)))
    assert isinstance(outcomes[1].error, NotReady)


@pytest.mark.parametrize(
    "changes", [{"state": State.EXITED, "exit_code": 1}, {"restarts": 1}, {"health": Health.UNHEALTHY}]
)
async def test_what_fails_while_it_is_watched_ends_the_hold(house: House, changes: dict[str, object]) -> None:
    release = house.world.propose({"web": WEB})
    web = release.revisions["web"]
    replica = house.world.make(web, 1)
    task = asyncio.create_task(one(house, release, Hold(60, (Want(web, 1),))))
    await house.engine.watched.wait()
    house.engine.change(replica, **changes)
    outcomes, _ = await task
    assert isinstance(outcomes[0].error, NotReady)
    assert "while it was watched" in outcomes[0].error.what


async def test_a_hold_whose_watch_is_lost_has_not_seen_that_all_was_well(house: House) -> None:
    release = house.world.propose({"web": WEB})
    web = release.revisions["web"]
    house.world.make(web, 1)
    house.engine.stream_ends = True
    outcomes, _ = await one(house, release, Hold(60, (Want(web, 1),)))
    assert isinstance(outcomes[0].error, EngineError)


async def test_the_deadline_of_a_rollout_ends_a_wait_but_a_hold_does_not_count(house: House) -> None:
    release = house.world.propose({"web": Spec()})
    policy = ServicePolicy(ready=Ready(deadline=60), rollout=Rollout(deadline=1.05))
    release = with_policy(house, release, "web", policy)
    web = release.revisions["web"]
    replica = house.world.make(web, 1, health=Health.STARTING)
    wait = AwaitReady((Want(web, 1),))
    outcomes, _ = await one(house, release, wait)
    assert isinstance(outcomes[0].error, NotReady)
    assert "rollout did not end within 1.05 s" in outcomes[0].error.what
    house.engine.change(replica, health=Health.HEALTHY)
    conductor = house.conductor(release)

    def strategy() -> Generator[Step, Outcome, Verdict]:
        started = conductor._started
        yield Hold(0.05, wait.wants)
        assert conductor._started - started >= 0.05
        return Verdict.PROMOTED

    await conductor.conduct(strategy(), house.observe(release))


async def test_draining_and_retiring_what_is_gone_already_is_no_error(house: House) -> None:
    await deploy(house, {"web": WEB})
    release = house.world.releases[0]
    gone = (Want(replace(release.revisions["web"], release=9), 0),)
    outcomes, _ = await one(house, release, Drain(gone), Retire(gone))
    assert all(outcome.ok for outcome in outcomes)


async def test_streams_that_outlive_their_drain_are_closed_one_replica_after_the_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairway.conduct.drain.SPREAD", 0.0)
    await deploy(house, {"web": WEB})
    policy = ServicePolicy(route=Route(hosts=("web.test",), port=80), rollout=Rollout(drain_timeout=0.0))
    release = with_policy(house, house.world.releases[0], "web", policy)
    leaving = (Want(release.revisions["web"], 0),)
    house.traffic.open_now = [2]
    await one(house, release, Drain(leaving), Retire(leaving))
    assert [call for call in house.calls if call.startswith("retire")] == ["retire web-r1 1", "retire web-r1 0"]
