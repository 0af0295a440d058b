from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from fairway.conduct import ready
from fairway.conduct.ready import await_exit, await_ready
from fairway.model.errors import EngineError, EngineUnreachable, GatewayError, NotReady
from fairway.model.fleet import Fleet, Health, Replica, State
from fairway.model.policy import Ready, Route, ServicePolicy
from fairway.model.release import Revision
from tests.unit.conduct.ports import House

pytestmark = pytest.mark.anyio

WEB = Revision("web", 1, "d")
SOON = Ready(deadline=0.05)


def policy(found: Ready, hosts: tuple[str, ...] = ("*", "web.test")) -> ServicePolicy:
    return ServicePolicy(ready=found, route=Route(hosts=hosts, port=9090))


async def wait(house: House, replicas: list[Replica], found: Ready = SOON) -> None:
    wanted = [(replica, policy(found)) for replica in replicas]
    async with asyncio.timeout(10):
        await await_ready(house.engine, house.traffic, wanted, started=time.monotonic())


async def while_waiting(house: House, replicas: list[Replica], found: Ready = SOON) -> asyncio.Task[None]:
    task = asyncio.create_task(wait(house, replicas, found))
    await house.engine.watched.wait()
    await asyncio.sleep(0.002)
    return task


async def test_running_is_enough_where_nothing_else_is_said(house: House) -> None:
    await wait(house, [house.world.make(WEB, 1)])


async def test_nothing_to_wait_for(house: House) -> None:
    await wait(house, [])


async def test_a_healthcheck_decides(house: House) -> None:
    replica = house.world.make(WEB, 1, health=Health.STARTING)
    task = await while_waiting(house, [replica], Ready())
    assert not task.done()
    house.engine.change(replica, health=Health.HEALTHY)
    await task


async def test_what_happened_between_the_look_and_the_watch_is_seen(house: House) -> None:
    stale = house.world.make(WEB, 1, health=Health.STARTING)
    house.world.change(stale, state=State.RUNNING, health=Health.HEALTHY)
    await wait(house, [stale])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"health": Health.UNHEALTHY}, "healthcheck fails"),
        ({"state": State.EXITED, "exit_code": 3}, "exit status 3"),
        ({"state": State.EXITED, "exit_code": 137, "oom_killed": True}, "memory limit"),
        ({"restarts": 1}, "restarted once"),
        ({"state": State.DEAD}, "ended"),
    ],
)
async def test_what_can_no_longer_become_ready_fails_at_once(
    house: House, changes: dict[str, object], why: str
) -> None:
    replica = house.world.make(WEB, 1, health=Health.STARTING)
    task = await while_waiting(house, [replica], Ready())
    house.engine.change(replica, **changes)
    with pytest.raises(NotReady) as failure:
        await task
    assert failure.value.replica == "web-r1-1"
    assert why in failure.value.why


async def test_what_is_removed_fails_at_once(house: House) -> None:
    replica = house.world.make(WEB, 1, health=Health.STARTING)
    task = await while_waiting(house, [replica], Ready())
    del house.world.replicas[replica.id]
    house.engine.tell()
    with pytest.raises(NotReady) as failure:
        await task
    assert "gone" in failure.value.why


async def test_what_dies_while_another_is_waited_for_is_not_ready(house: House) -> None:
    first, second = house.world.make(WEB, 1), house.world.make(WEB, 2, health=Health.STARTING)
    task = await while_waiting(house, [first, second], Ready())
    house.engine.change(first, state=State.EXITED, exit_code=1)
    house.engine.change(second, health=Health.HEALTHY)
    with pytest.raises(NotReady) as failure:
        await task
    assert failure.value.replica == "web-r1-1"


async def test_a_deadline_says_what_was_missing(house: House) -> None:
    with pytest.raises(NotReady) as failure:
        await wait(house, [house.world.make(WEB, 1, health=Health.STARTING)])
    assert "not ready within 0.05 s" in failure.value.what
    assert "health starting" in failure.value.why
    assert "ready.deadline" in failure.value.hint


async def test_time_in_which_nobody_could_look_counts_against_no_deadline(house: House) -> None:
    replica = house.world.make(WEB, 1, health=Health.STARTING)
    task = await while_waiting(house, [replica])
    house.engine.blind = 5.0
    await asyncio.sleep(2 * ready.TICK)
    assert not task.done()
    house.engine.change(replica, health=Health.HEALTHY)
    await task


async def test_one_that_was_moved_has_as_much_time_as_one_that_is_new(house: House) -> None:
    replica = house.world.make(WEB, 1, health=Health.STARTING)
    house.engine.change(replica, host="a")
    task = await while_waiting(house, [replica], Ready(deadline=1.0))
    await asyncio.sleep(0.8)
    house.engine.change(replica, host="b")
    await asyncio.sleep(0.5)
    assert not task.done()
    house.engine.change(replica, health=Health.HEALTHY)
    await task


async def test_min_ready_is_time_without_an_interruption(house: House) -> None:
    replica = house.world.make(WEB, 1)
    began = asyncio.get_running_loop().time()
    await wait(house, [replica], Ready(min_ready=0.03))
    assert asyncio.get_running_loop().time() - began >= 0.03


async def test_min_ready_fails_for_what_crashes_within_it(house: House) -> None:
    replica = house.world.make(WEB, 1)
    task = await while_waiting(house, [replica], Ready(min_ready=5))
    house.engine.change(replica, restarts=1)
    with pytest.raises(NotReady):
        await task


@pytest.mark.parametrize("status", [200, 204, 302])
async def test_any_good_status_means_ready(house: House, status: int) -> None:
    replica = house.world.make(WEB, 1)
    house.traffic.answers[replica.address] = status
    await wait(house, [replica], Ready(http="/up", deadline=0.05))
    endpoint, path, host = house.traffic.asked[0]
    assert (endpoint.address, endpoint.port, path, host) == (replica.address, 9090, "/up", "web.test")


@pytest.mark.parametrize(
    ("status", "exact", "why"),
    [
        (404, None, "answered 404"),
        (500, None, "answered 500"),
        (None, None, "did not answer"),
        (200, 204, "answered 200"),
    ],
)
async def test_another_status_does_not(house: House, status: int | None, exact: int | None, why: str) -> None:
    replica = house.world.make(WEB, 1)
    house.traffic.answers[replica.address] = status
    with pytest.raises(NotReady) as failure:
        await wait(house, [replica], Ready(http="/up", status=exact, deadline=0.05))
    assert failure.value.why == f"GET /up {why}"


async def test_an_exact_status_may_be_one_that_is_else_a_failure(house: House) -> None:
    replica = house.world.make(WEB, 1)
    house.traffic.answers[replica.address] = 401
    await wait(house, [replica], Ready(http="/", status=401, port=81, deadline=0.05))
    assert house.traffic.asked[0][0].port == 81


async def test_a_replica_that_answers_later_is_ready_then(house: House) -> None:
    replica = house.world.make(WEB, 1, health=Health.STARTING)
    house.traffic.answers[replica.address] = None
    task = await while_waiting(house, [replica], Ready(http="/up"))
    house.traffic.answers[replica.address] = 200
    await task


async def test_a_replica_that_is_ill_is_not_ready_whatever_it_answers(house: House) -> None:
    with pytest.raises(NotReady):
        await wait(house, [house.world.make(WEB, 1, health=Health.UNHEALTHY)], Ready(http="/up"))


async def test_an_address_that_is_known_only_later_is_asked(house: House) -> None:
    replica = house.world.make(WEB, 1)
    house.traffic.answers[""] = None
    await wait(house, [replace(replica, address="")], Ready(http="/up", deadline=1))
    assert house.traffic.asked[-1][0].address == replica.address


async def test_a_gateway_that_fails_ends_the_wait_with_its_error(house: House) -> None:
    house.traffic.probe_fails = GatewayError("the gateway is gone")
    with pytest.raises(GatewayError):
        await wait(house, [house.world.make(WEB, 1), house.world.make(WEB, 2)], Ready(http="/up"))


async def test_without_a_gateway_nobody_can_be_asked(house: House) -> None:
    with pytest.raises(NotReady):
        await await_ready(house.engine, None, [(house.world.make(WEB, 1), policy(Ready(http="/")))], started=0)


async def test_a_watch_that_ends_is_an_error_at_once(house: House) -> None:
    house.engine.stream_ends = True
    with pytest.raises(EngineError):
        await wait(house, [house.world.make(WEB, 1, health=Health.STARTING)], Ready())


async def test_a_watch_that_fails_is_its_error(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unreachable() -> AsyncIterator[Fleet]:
        raise EngineUnreachable("nobody answers")
        yield

    monkeypatch.setattr(house.engine, "watch", unreachable)
    with pytest.raises(EngineUnreachable):
        await wait(house, [house.world.make(WEB, 1)], Ready())


async def test_news_that_come_while_one_looks_are_not_lost(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "TICK", 60.0)
    replicas = [house.world.make(WEB, index, health=Health.STARTING) for index in range(1, 30)]
    task = await while_waiting(house, replicas, Ready())
    for replica in replicas:
        house.engine.change(replica, health=Health.HEALTHY)
        if replica.index % 3 == 0:
            await asyncio.sleep(0)
    await task


async def test_cancelled_it_leaves_nothing_running(house: House) -> None:
    replica = house.world.make(WEB, 1)
    house.traffic.answers[replica.address] = None
    task = await while_waiting(house, [replica], Ready(http="/up"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_job_ends_well(house: House) -> None:
    replica = house.world.make(WEB, 1)
    task = asyncio.create_task(await_exit(house.engine, [replica], 5))
    await house.engine.watched.wait()
    house.engine.change(replica, state=State.EXITED, exit_code=0)
    await task


async def test_a_job_that_is_restarted_by_its_policy_is_waited_for(house: House) -> None:
    replica = house.world.make(WEB, 1)
    house.engine.change(replica, state=State.RESTARTING, exit_code=1, restarts=1)
    task = asyncio.create_task(await_exit(house.engine, [replica], 5))
    await house.engine.watched.wait()
    house.engine.change(replica, state=State.EXITED, exit_code=0)
    await task


@pytest.mark.parametrize("changes", [{"state": State.EXITED, "exit_code": 1}, {"state": State.DEAD}])
async def test_a_job_ends_badly(house: House, changes: dict[str, object]) -> None:
    replica = house.world.make(WEB, 1)
    house.engine.change(replica, **changes)
    with pytest.raises(NotReady, match="did not end well"):
        await await_exit(house.engine, [replica], 5)


async def test_a_job_has_a_deadline_too(house: House) -> None:
    with pytest.raises(NotReady, match="did not end within") as failure:
        await await_exit(house.engine, [house.world.make(WEB, 1)], 0.02)
    assert failure.value.replica == "web-r1-1"


async def test_a_watch_that_ends_is_not_the_end_of_a_job(house: House) -> None:
    house.engine.stream_ends = True
    with pytest.raises(EngineError):
        await await_exit(house.engine, [house.world.make(WEB, 1)], 5)
