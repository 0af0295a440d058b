"""What is under way, as anybody is told who asks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from fairway.cli.status import _facts, _text
from fairway.flows.status import status
from fairway.model.fleet import State
from fairway.model.orders import Order, Signal
from fairway.model.policy import Phase
from fairway.model.release import Progress
from fairway.ports import Holder
from tests.unit.flows.hosts import Host
from tests.unit.rollout.drive import Drive
from tests.unit.rollout.judging import BROKEN, ERRORS, judge
from tests.unit.rollout.parts import Spec
from tests.unit.rollout.test_plans import world

pytestmark = pytest.mark.anyio

CANARY = Spec(replicas=2, routed=True, steps=(Phase(traffic=5), Phase(traffic=50, approve=True)))
LEADER = Holder(by="bob@ci", doing="deploy", since=0.0)


def on_its_way(phase: int, **changes: Any) -> Host:
    """Release 2, cut off in its second phase, and written down as in `phase`."""
    there = world({"web": CANARY})
    Drive(there, there.propose({"web": replace(CANARY, version=2)})).run(kill=6)
    there.progress[2] = Progress(phase=phase, since=1.0, evidence={"web": judge(ERRORS, [BROKEN] * 3)})
    return Host(there.records, world=there, **changes)


def said(order: Order, release: int = 2) -> Signal:
    return Signal(order=order, release=release, by="ann@desk", at=0.0)


async def test_a_phase_that_waits_for_an_approval_and_the_evidence() -> None:
    host = on_its_way(2, leader=LEADER)
    found = await status(host.target)
    assert found.release and found.release.number == 1
    assert found.under_way and (found.under_way.number, found.under_way.phases) == (2, 2)
    text = _text(found)
    assert "release 2, phase 2 of 2, since " in text
    assert "  waits for `fairway approve`" in text.splitlines()
    assert "  judge of web: no verdict yet (150 requests to the new, 1,350 to the old)" in text.splitlines()
    assert all(len(line) < 100 for line in text.splitlines())
    (new,) = [line for line in text.splitlines() if line.startswith("web      web-r2")]
    assert new.split()[2:] == ["1", "50", "%", "of", "release", "2,", "under", "way"]
    facts = _facts(found)
    assert (facts["phase"], facts["phases"], facts["waits_for_approval"], facts["paused_by"]) == (2, 2, True, None)


async def test_ages_are_told_by_the_clock_that_times_were_read_from() -> None:
    """That of whoever asks may be an hour late."""
    began = datetime(2031, 1, 1, tzinfo=UTC).timestamp()
    host = on_its_way(2, leader=replace(LEADER, since=began))
    host.world.progress[2] = Progress(phase=2, since=began + 60)
    host.records = host.world.records
    text = _text(await status(replace(host.target, clock=lambda: "2031-01-01T00:05:00Z")))
    assert "under way: deploy, by bob@ci, since 5m" in text
    assert "release 2, phase 2 of 2, since 4m" in text


@pytest.mark.parametrize(
    ("phase", "where"), [(0, "release 2, before phase 1 of 2"), (1, "release 2, phase 1 of 2, since")]
)
async def test_a_phase_that_asks_for_nothing(phase: int, where: str) -> None:
    text = _text(await status(on_its_way(phase, leader=LEADER).target))
    assert where in text
    assert "fairway approve" not in text


@pytest.mark.parametrize(
    ("given", "paused"),
    [
        ((said(Order.PAUSE),), True),
        ((said(Order.PAUSE), said(Order.RESUME)), False),
        ((said(Order.RESUME), said(Order.PAUSE)), True),
        ((said(Order.PAUSE, release=1),), False),
    ],
)
async def test_who_has_paused_it(given: tuple[Signal, ...], paused: bool) -> None:
    text = _text(await status(on_its_way(2, leader=LEADER, given=given).target))
    assert ("paused by ann@desk: `fairway resume` goes on" in text) is paused


async def test_a_release_that_nobody_leads_is_a_problem_with_its_ways_out() -> None:
    found = await status(on_its_way(2).target)
    (problem,) = found.problems
    assert "nobody leads it: `fairway resume` goes on, `fairway abort` leads back" in problem
    assert f"! {problem}" in _text(found)
    assert (await status(on_its_way(2, leader=LEADER).target)).problems == ()


async def test_what_is_warm_is_told_and_is_no_work_left() -> None:
    web = Spec(routed=True, keep=60)
    there = world({"web": web}, {"web": replace(web, version=2)})
    found = await status(Host(there.records, world=there).target)
    assert found.under_way is None
    assert found.converged
    assert [(service.revision, service.warm) for service in found.services] == [("web-r2", False), ("web-r1", True)]
    assert "warm: `fairway rollback` is instant" in _text(found)
    there.releases.append(replace(there.releases[-1], number=3, reason="deploy"))
    begun = await status(Host(there.records, world=there, leader=LEADER).target)
    assert begun.under_way and "warm" in _text(begun)
    assert "rollback" not in _text(begun), "it would lead to what serves now"
    there.releases.pop()
    late = replace(Host(there.records, world=there).target, clock=lambda: "2020-01-01T00:02:00Z")
    assert not (await status(late)).converged


async def test_what_differs_is_told_beside_the_problems_but_not_while_somebody_is_at_it() -> None:
    web = Spec(replicas=2, routed=True)
    there = world({"web": web})
    there.change(next(iter(there.replicas.values())), state=State.EXITED, exit_code=1)
    differs = "! what runs differs from the release: `fairway deploy` mends it"
    text = _text(await status(Host(there.records, world=there).target)).splitlines()
    assert "! web-r1-1: it ended with exit status 1" in text
    assert differs in text
    assert differs not in _text(await status(Host(there.records, world=there, leader=LEADER).target))
    assert differs not in _text(await status(on_its_way(2).target)), "it says how to go on"
