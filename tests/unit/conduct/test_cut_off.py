"""The conductor cut off at any moment, not only between steps: the next one finds its way, and nothing is doubled."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairway.conduct import drain, ready
from fairway.model.release import Release
from fairway.model.steps import Verdict
from fairway.rollout.lead import lead
from tests.unit.conduct.ports import House
from tests.unit.rollout.drive import assert_is
from tests.unit.rollout.parts import Specs
from tests.unit.rollout.strategies import apps, changed, thorough


async def go(house: House, release: Release, turns: int | None) -> Verdict | None:
    """None where it was cancelled after so many turns of the event loop."""
    fleet = house.observe(release)
    task = asyncio.create_task(
        house.conductor(release).conduct(lead(fleet, release, house.world.course(release)), fleet)
    )
    for _ in range(turns or 0):
        await asyncio.sleep(0)
    if turns is not None:
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert house.engine.watching == 0
    return None if task.cancelled() else task.result()


async def live(history: list[tuple[Specs, int | None]]) -> tuple[House, Release, Verdict | None]:
    house = House()
    for specs, turns in history:
        release = house.world.propose(specs)
        verdict = await go(house, release, turns)
        if verdict:
            house.world.outcomes[release.number] = "promoted" if verdict is Verdict.PROMOTED else "failed"
    return house, release, verdict


def quick(specs: Specs) -> Specs:
    """Without holds, which take their time, and without jobs."""
    kept = {name: spec for name, spec in specs.items() if not any(how == "done" for _, how in spec.needs)}
    return {name: replace(spec, monitor=0.0, pause=0.0) for name, spec in kept.items()}


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Specs, int | None]]:
    specs = quick(draw(apps()))
    history: list[tuple[Specs, int | None]] = [(specs, None)]
    for _ in range(draw(st.integers(1, 3))):
        specs = quick(draw(changed(specs)))
        history.append((specs, draw(st.integers(0, 120))))
    return [*history, (draw(st.sampled_from([specs, history[0][0]])), None)]


@thorough
@given(histories())
def test_cut_off_anywhere_the_next_one_arrives(history: list[tuple[Specs, int | None]]) -> None:
    with patch.multiple(drain, SETTLE=0.0), patch.multiple(ready, TICK=0.01, PROBE_EVERY=0.0):
        house, release, verdict = asyncio.run(live(history))
    assert verdict is Verdict.PROMOTED
    house.world.proven |= set(house.world.replicas)
    assert_is(house.world, release)
