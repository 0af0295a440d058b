from __future__ import annotations

import asyncio
from collections.abc import Collection, Generator

import pytest
from msgspec.structs import replace

from fairway.model.errors import EngineError, FairwayError, GatewayError, GatewayRejected, HostLost, NotReady
from fairway.model.events import Note, StepEnded, StepFailed, StepStarted
from fairway.model.fleet import State
from fairway.model.policy import Rollout
from fairway.model.routes import Endpoint
from fairway.model.steps import (
    AwaitReady,
    Ensure,
    Outcome,
    Shift,
    Step,
    Verdict,
    Want,
)
from fairway.rollout.lead import lead
from tests.unit.conduct.driving import WEB, deploy, go, one, with_policy
from tests.unit.conduct.ports import House, shown
from tests.unit.rollout.parts import Spec

pytestmark = pytest.mark.anyio


async def test_a_whole_rollout_in_its_order(house: House) -> None:
    await deploy(house, {"web": WEB})
    house.calls.clear()
    verdict, conductor = await deploy(house, {"web": replace(WEB, version=2)})
    assert verdict is Verdict.PROMOTED
    assert conductor.touched
    assert house.calls == [
        "ensure web-r2 2",
        "ensure web-r2 2 done",
        "apply web: web-r1 0 [+ +], web-r2 2 [+ +]",
        "apply web: web-r1 0 [- -], web-r2 2 [+ +]",
        "in flight 0",
        "in flight 0",
        "apply web: web-r2 2 [+ +]",
        "retire web-r1 0",
    ]
    started = [event.step for event in house.events if isinstance(event, StepStarted)]
    ended = [event.step for event in house.events if isinstance(event, StepEnded)]
    assert started == ended


@pytest.mark.parametrize("error", [GatewayError("the disk is full"), HostLost("h2 is lost")])
async def test_a_gateway_that_does_not_forget_what_is_gone(
    house: House, monkeypatch: pytest.MonkeyPatch, error: FairwayError
) -> None:
    await deploy(house, {"web": WEB})
    asked = house.traffic.in_flight

    async def drained(endpoints: Collection[Endpoint]) -> int:
        house.traffic.rejects = error
        return await asked(endpoints)

    monkeypatch.setattr(house.traffic, "in_flight", drained)
    verdict, conductor = await deploy(house, {"web": replace(WEB, version=2)})
    assert house.calls[-1] == "retire web-r1 0"
    warnings = [event.text for event in house.events if isinstance(event, Note)]
    if isinstance(error, HostLost):
        assert (conductor.error, warnings) == (error, [])
    else:
        assert (verdict, conductor.error) == (Verdict.PROMOTED, None)
        assert warnings == ["the gateway still knows replicas that are gone: the disk is full"]


async def test_a_release_without_changes_calls_nobody(house: House) -> None:
    await deploy(house, {"web": WEB})
    house.calls.clear()
    verdict, conductor = await deploy(house, {"web": WEB})
    assert verdict is Verdict.PROMOTED
    assert not conductor.touched
    assert house.calls == []


async def test_a_failure_becomes_an_outcome_and_the_old_version_was_not_touched(house: House) -> None:
    await deploy(house, {"web": WEB})
    live = house.world.live
    house.engine.on_start = lambda replica: house.world.change(replica, state=State.EXITED, exit_code=1)
    house.calls.clear()
    verdict, conductor = await deploy(house, {"web": replace(WEB, version=2)})
    assert verdict is Verdict.FAILED
    assert isinstance(conductor.error, NotReady)
    assert conductor.error.replica.startswith("web-r2-")
    assert not conductor.touched
    assert house.world.live == live
    assert isinstance(house.events[-1], StepFailed)
    assert house.calls == ["ensure web-r2 2", "ensure web-r2 2 done"]


async def test_a_gateway_that_rejects_the_table_is_a_failure_of_the_release(house: House) -> None:
    await deploy(house, {"web": WEB})
    house.traffic.rejects = GatewayRejected("no")
    verdict, conductor = await deploy(house, {"web": replace(WEB, version=2)})
    assert verdict is Verdict.FAILED
    assert isinstance(conductor.error, GatewayRejected)
    assert len(house.world.fleet.revisions("web")) == 2


async def test_a_step_that_fails_in_part_ends_as_a_whole_first(house: House) -> None:
    house.engine.slow = 20
    house.engine.refuses["ensure a-r1 1"] = EngineError("no room")
    verdict, _ = await deploy(house, {"a": Spec(), "b": Spec()})
    assert verdict is Verdict.FAILED
    assert house.calls == ["ensure a-r1 1", "ensure b-r1 1", "ensure b-r1 1 done"]


async def test_another_kind_of_error_is_a_bug_and_is_not_hidden(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house.engine, "ensure", None)
    with pytest.raises(TypeError):
        await deploy(house, {"web": WEB})


async def test_draining_waits_until_nothing_is_in_flight_twice_in_a_row(house: House) -> None:
    await deploy(house, {"web": WEB})
    house.traffic.open_now = [3, 0, 1, 0, 0, 9]
    house.calls.clear()
    await deploy(house, {"web": replace(WEB, version=2)})
    assert [call for call in house.calls if call.startswith("in flight")] == [
        "in flight 3",
        "in flight 0",
        "in flight 1",
        "in flight 0",
        "in flight 0",
    ]


async def test_what_is_still_open_when_the_drain_is_over_is_said(house: House) -> None:
    await deploy(house, {"web": WEB})
    release = house.world.propose({"web": replace(WEB, version=2)})
    policy = release.policy("web")
    release = with_policy(house, release, "web", replace(policy, rollout=Rollout(drain_timeout=0.0)))
    house.traffic.open_now = [4] * 3
    verdict, _ = await go(house, release)
    assert verdict is Verdict.PROMOTED
    notes = [event.text for event in house.events if isinstance(event, Note)]
    assert notes == ["web: 4 requests or streams were still open after 0 s"]
    assert house.calls[-1] == "retire web-r1 0"


async def test_a_service_that_goes_is_drained_as_its_own_release_said(house: House) -> None:
    await deploy(house, {"api": WEB, "web": WEB})
    base = house.world.releases[0]
    policy = replace(base.policy("api"), rollout=Rollout(drain_timeout=0.0))
    with_policy(house, base, "api", policy)
    house.traffic.open_now = [7]
    await deploy(house, {"web": WEB})
    notes = [event.text for event in house.events if isinstance(event, Note)]
    assert notes == ["api: 7 requests or streams were still open after 0 s"]
    assert house.world.live and shown(house.world.live) == "web: web-r1 2 [+ +]"


async def test_making_way_for_one_service_changes_nothing_for_the_others(house: House) -> None:
    """Before the Shift no other service may lose its route, and no replica that is not ready may get requests."""
    specs = {"old": WEB, "web": Spec(routed=True), "db": Spec(routed=True, recreate=True)}
    await deploy(house, specs)
    house.engine.on_start = lambda replica: None
    newer = {
        "new": WEB,
        "web": Spec(routed=True, replicas=3),
        "db": replace(specs["db"], version=2, needs=(("web", "started"),)),
    }
    house.calls.clear()
    await deploy(house, newer)
    before = house.calls[: house.calls.index("retire db-r1 0")]
    tables = [call for call in before if call.startswith("apply")]
    assert tables == [
        "apply db: db-r1 1 [-]; old: old-r1 2 [+ +]; web: web-r1 1 [+]",
        "apply db: nobody; old: old-r1 2 [+ +]; web: web-r1 1 [+]",
    ]


async def test_a_replica_that_has_not_shown_that_it_is_ready_gets_no_requests(house: House) -> None:
    await deploy(house, {"web": WEB})
    surplus = house.world.make(house.world.releases[0].revisions["web"], 3)
    await deploy(house, {"web": replace(WEB, path="/x")})
    addresses = {p.address for t in house.traffic.tables for s in t.services for b in s.backends for p in b.endpoints}
    assert surplus.address not in addresses
    assert surplus.id not in house.world.replicas


async def test_no_traffic_for_what_died_after_it_was_ready(house: House) -> None:
    await deploy(house, {"web": WEB})
    live = house.world.live
    release = house.world.propose({"web": replace(WEB, version=2)})
    new = (Want(release.revisions["web"], 1),)
    await one(house, release, Ensure(new))
    replica = house.world.fleet.of(release.revisions["web"])[0]

    def strategy() -> Generator[Step, Outcome, Verdict]:
        yield AwaitReady(new)
        house.world.change(replica, state=State.EXITED, exit_code=9)
        outcome = yield Shift({"web": {"web-r2": 1}})
        assert isinstance(outcome.error, NotReady)
        assert "exit status 9" in outcome.error.why
        return Verdict.FAILED

    conductor = house.conductor(release)
    assert await conductor.conduct(strategy(), house.observe(release)) is Verdict.FAILED
    assert house.world.live == live


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89])
async def test_cancelled_at_any_moment_nothing_goes_on(house: House, turns: int) -> None:
    """What was begun is brought to its end or undone by the next deployer: nothing works on in the background."""
    house.engine.slow = 3
    await deploy(house, {"job": Spec(), "web": replace(WEB, needs=(("job", "done"),))})
    newer = {"job": Spec(version=2), "web": replace(WEB, version=2, needs=(("job", "done"),))}
    task = asyncio.create_task(deploy(house, newer))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        calls = list(house.calls)
        for _ in range(20):
            await asyncio.sleep(0)
        assert house.calls == calls
    house.engine.slow = 1
    base = house.world.releases[0]
    verdict, _ = await go(house, base)
    assert verdict is Verdict.PROMOTED
    assert {replica.revision for replica in house.world.replicas.values()} == set(base.revisions.values())
    assert house.world.live and shown(house.world.live) == "web: web-r1 2 [+ +]"


async def test_without_a_gateway_nothing_is_routed(house: House) -> None:
    for version in (1, 2):
        release = house.world.propose({"worker": Spec(version=version)})
        conductor = replace(house.conductor(release), traffic=None)
        assert (
            await conductor.conduct(lead(house.world.fleet, release, house.world.course(release)), house.world.fleet)
            is Verdict.PROMOTED
        )
    assert [str(r) for r in house.world.fleet.revisions()] == ["worker-r2"]
