"""Holds: what ends them, what does not, and what operators say meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from fairway.conduct import orders as listening
from fairway.conduct.orders import Orders
from fairway.model.errors import Aborted, EngineError, NotReady
from fairway.model.events import Note
from fairway.model.fleet import State
from fairway.model.orders import Order, Signal
from fairway.model.release import Release, Revision
from fairway.model.steps import AwaitReady, Drain, Ensure, Hold, Retire, Shift, Step, Want
from tests.unit.conduct.driving import WEB, begin, deploy, one, until
from tests.unit.conduct.ports import House

pytestmark = pytest.mark.anyio

LONG = 3600.0


def on_its_way(house: House) -> tuple[Release, Revision]:
    """A release whose two replicas run."""
    release = house.world.propose({"web": WEB})
    web = release.revisions["web"]
    for index in (1, 2):
        house.world.make(web, index)
    return release, web


def phase(web: Revision, seconds: float = 0.0, *, approve: bool = False, number: int = 2) -> Hold:
    return Hold(seconds, (Want(web, 2),), "phase", approve=approve, phase=number)


async def test_time_alone_ends_a_hold(house: House) -> None:
    release, web = on_its_way(house)
    outcomes, _ = await one(house, release, phase(web, 0.02))
    assert outcomes[0].ok
    running = begin(house, release, phase(web, LONG))
    assert await running.goes_on()
    running.say(Order.PROMOTE)
    assert (await running.end())[0].ok


async def test_an_approval_is_for_its_phase_and_not_for_a_later_one(house: House) -> None:
    release, web = on_its_way(house)
    running = begin(house, release, phase(web, approve=True))
    running.say(Order.APPROVE, phase=1)
    running.say(Order.APPROVE, phase=2, release=release.number + 1)
    assert await running.goes_on()
    running.say(Order.APPROVE, phase=2)
    assert (await running.end())[0].ok


async def test_an_approval_does_not_shorten_the_time(house: House) -> None:
    release, web = on_its_way(house)
    running = begin(house, release, phase(web, LONG, approve=True))
    running.say(Order.APPROVE, phase=2)
    assert await running.goes_on()
    running.say(Order.ABORT)
    await running.end()


async def test_a_pause_keeps_it_until_it_is_taken_back(house: House) -> None:
    release, web = on_its_way(house)
    running = begin(house, release, phase(web, 0.01, approve=True))
    running.say(Order.PAUSE)
    running.say(Order.APPROVE, phase=2)
    await asyncio.sleep(0.02)
    assert await running.goes_on()
    running.say(Order.RESUME)
    running.say(Order.PAUSE)
    assert await running.goes_on()
    running.say(Order.RESUME)
    assert (await running.end())[0].ok


async def test_a_pause_keeps_even_a_phase_that_has_no_time(house: House) -> None:
    release, web = on_its_way(house)
    running = begin(house, release, phase(web))
    running.say(Order.PAUSE)
    assert await running.goes_on()
    running.say(Order.RESUME)
    assert (await running.end())[0].ok


async def test_promote_ends_all_holds_paused_and_unapproved_ones_too(house: House) -> None:
    release, web = on_its_way(house)
    running = begin(house, release, phase(web, LONG, approve=True, number=1), phase(web, LONG, approve=True))
    running.say(Order.PAUSE)
    assert await running.goes_on()
    running.say(Order.PROMOTE)
    assert [outcome.ok for outcome in await running.end()] == [True, True]


@pytest.mark.parametrize("other", [Order.PROMOTE, Order.APPROVE, Order.RESUME, Order.PAUSE])
async def test_an_abort_beats_every_other_order_whichever_came_first(house: House, other: Order) -> None:
    release, web = on_its_way(house)
    for said in ((other, Order.ABORT), (Order.ABORT, other)):
        running = begin(house, release, phase(web, approve=True))
        running.say(Order.PAUSE)
        assert await running.goes_on()
        abort, late = (Signal(order=order, release=1, by="ann@desk", at=0.0, phase=2) for order in said)
        running.conductor.orders.take((abort, late))
        (outcome,) = await running.end()
        assert isinstance(outcome.error, Aborted)
        assert outcome.error.what == "ann@desk has aborted the release"


async def test_an_abort_ends_a_wait_at_once(house: House) -> None:
    release, web = on_its_way(house)
    for replica in list(house.world.replicas.values()):
        house.traffic.answers[replica.address] = None
    policy = release.policy("web")
    waiting = replace(release, policies={"web": replace(policy, ready=replace(policy.ready, http="/up"))})
    running = begin(house, waiting, AwaitReady((Want(web, 2),)))
    assert await running.goes_on()
    running.say(Order.ABORT)
    assert isinstance((await running.end())[0].error, Aborted)


async def test_what_waits_is_not_even_begun_once_somebody_has_aborted(house: House) -> None:
    release, web = on_its_way(house)
    running = begin(house, release, phase(web), AwaitReady((Want(web, 2),)))
    running.say(Order.ABORT)
    assert all(isinstance(outcome.error, Aborted) for outcome in await running.end())
    assert house.notes == []


@pytest.mark.parametrize("name", ["ensure", "shift"])
async def test_what_changes_something_is_done_to_its_end_before_an_abort_counts(house: House, name: str) -> None:
    await deploy(house, {"web": WEB})
    release = house.world.propose({"web": replace(WEB, replicas=3)})
    web = release.revisions["web"]
    step: Step = Ensure((Want(web, 3),)) if name == "ensure" else Shift({"web": {web.name: 3}})
    house.calls.clear()
    running = begin(house, release, step)
    await until(lambda: bool(house.calls))
    running.say(Order.ABORT)
    assert isinstance((await running.end())[0].error, Aborted)
    assert house.calls[-1] == ("ensure web-r1 3 done" if name == "ensure" else "apply web: web-r1 3 [+ +]")
    house.calls.clear()
    outcomes, _ = await one(house, release, step, conductor=running.conductor)
    assert isinstance(outcomes[0].error, Aborted)
    assert house.calls == []


async def test_what_is_old_is_removed_all_the_same(house: House) -> None:
    await deploy(house, {"web": WEB})
    release = house.world.releases[0]
    gone = (Want(release.revisions["web"], 0),)
    running = begin(house, release, Drain(gone), Retire(gone))
    running.say(Order.ABORT)
    assert all(outcome.ok for outcome in await running.end())
    assert not house.world.replicas


async def test_a_replica_that_dies_ends_the_hold_even_where_it_is_paused(house: House) -> None:
    release, web = on_its_way(house)
    running = begin(house, release, phase(web, LONG, approve=True))
    running.say(Order.PAUSE)
    await house.engine.watched.wait()
    assert await running.goes_on()
    house.engine.change(house.world.fleet.of(web)[1], state=State.EXITED, exit_code=137, oom_killed=True)
    (outcome,) = await running.end()
    assert isinstance(outcome.error, NotReady)
    assert outcome.error.replica == "web-r1-2"
    assert "memory limit" in outcome.error.why


async def test_an_abort_leaves_alone_what_has_to_happen_in_any_case(house: House) -> None:
    """The release is written down even where the abort comes before that is done."""
    release, web = on_its_way(house)
    written = asyncio.Event()

    async def write_down() -> None:
        await written.wait()

    conductor = house.conductor(release)
    conductor.opening = asyncio.create_task(write_down())
    task = asyncio.create_task(one(house, release, AwaitReady((Want(web, 2),)), conductor=conductor))
    for _ in range(10):
        await asyncio.sleep(0)
    conductor.orders.take((Signal(order=Order.ABORT, release=1, by="ann@desk", at=0.0),))
    outcomes, _ = await task
    assert isinstance(outcomes[0].error, Aborted)
    assert not conductor.opening.done()
    written.set()
    await conductor.opening


class Hearing:
    """Signals whose watch breaks off as often as it is told."""

    def __init__(self, breaks: int, then: tuple[Signal, ...]) -> None:
        self.breaks, self.then = breaks, then

    async def watch(self) -> AsyncIterator[tuple[Signal, ...]]:
        if self.breaks:
            self.breaks -= 1
            yield ()
            if self.breaks % 2:
                raise EngineError("no more news")
            return
        yield self.then
        await asyncio.Event().wait()

    async def send(self, order: Order, release: int, by: str, *, phase: int = 0) -> None:
        raise NotImplementedError

    async def clear(self) -> None:
        raise NotImplementedError


async def test_orders_are_heard_again_when_the_engine_has_stopped_telling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "AGAIN", 0.0)
    orders = Orders(1)
    hearing = Hearing(3, (Signal(order=Order.PAUSE, release=1, by="ann@desk", at=0.0),))
    task = asyncio.create_task(orders.follow(hearing))
    await until(lambda: bool(orders.paused))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_phase_that_cannot_be_noted_is_said_and_held(house: House) -> None:
    release, web = on_its_way(house)
    house.unwritable = EngineError("no space left on device")
    outcomes, _ = await one(house, release, phase(web))
    assert outcomes[0].ok
    notes = [event.text for event in house.events if isinstance(event, Note)]
    assert notes == ["that phase 2 has begun could not be noted: no space left on device"]


async def test_a_phase_that_cannot_be_noted_cannot_be_approved(house: House) -> None:
    release, web = on_its_way(house)
    house.unwritable = EngineError("no space left on device")
    outcomes, _ = await one(house, release, phase(web, approve=True))
    assert outcomes[0].error is house.unwritable
