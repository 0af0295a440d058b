"""Orders at any moment of any rollout: it ends as it was told to, and the next one finds its way."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairway.conduct import drain, ready
from fairway.model.orders import Order, Signal
from fairway.model.release import Release
from fairway.model.steps import Verdict
from fairway.rollout.lead import lead
from tests.unit.conduct.ports import House
from tests.unit.conduct.test_cut_off import go, quick
from tests.unit.rollout.drive import assert_is
from tests.unit.rollout.parts import Specs
from tests.unit.rollout.strategies import apps, changed, thorough

Said = tuple[int, Order, int]
"""After so many turns of the event loop, an order, for a phase."""

LATE = 400
"""Turns after which no rollout of these does anything but wait for a word."""


def approved(specs: Specs) -> Specs:
    """Each phase waits for an approval."""
    return {
        name: replace(spec, steps=tuple(replace(phase, approve=True) for phase in spec.steps))
        for name, spec in quick(specs).items()
    }


async def told(house: House, release: Release, said: list[Said]) -> Verdict:
    fleet = house.observe(release)
    conductor = house.conductor(release)
    task = asyncio.create_task(conductor.conduct(lead(fleet, release, house.world.course(release)), fleet))
    now = 0
    for turn, order, phase in (*sorted(said), (LATE, Order.PROMOTE, 0)):
        for _ in range(turn - now):
            await asyncio.sleep(0)
        now = turn
        signal = Signal(order=order, release=release.number, by="ann@desk", at=float(turn), phase=phase)
        conductor.orders.take((*conductor.orders.given, signal))
    async with asyncio.timeout(20):
        verdict = await task
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert house.engine.watching == 0
    return verdict


async def story(first: Specs, second: Specs, said: list[Said]) -> tuple[House, Release, Verdict, Verdict | None]:
    house = House()
    base = house.world.propose(first)
    assert await go(house, base, None) is Verdict.PROMOTED
    house.world.outcomes[base.number] = "promoted"
    release = house.world.propose(second)
    verdict = await told(house, release, said)
    if verdict is Verdict.PROMOTED:
        house.world.outcomes[release.number] = "promoted"
        return house, release, verdict, None
    house.world.outcomes[release.number] = "failed"
    return house, base, verdict, await go(house, base, None)


@thorough
@given(
    apps(),
    st.data(),
    st.lists(st.tuples(st.integers(0, LATE), st.sampled_from(Order), st.integers(0, 3)), max_size=6),
)
def test_whatever_is_said_whenever(first: Specs, data: st.DataObject, said: list[Said]) -> None:
    first = approved(first)
    second = approved(data.draw(changed(first)))
    with patch.multiple(drain, SETTLE=0.0), patch.multiple(ready, TICK=0.01, PROBE_EVERY=0.0):
        house, arrived, verdict, back = asyncio.run(story(first, second, said))
    aborted = any(order is Order.ABORT for _, order, _ in said)
    assert verdict is Verdict.PROMOTED or aborted
    assert back in (None, Verdict.PROMOTED)
    house.world.proven |= set(house.world.replicas)
    assert_is(house.world, arrived)
