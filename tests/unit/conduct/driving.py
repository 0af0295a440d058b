"""Ways to drive a conductor in a test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from dataclasses import dataclass

from msgspec.structs import replace

from fairway.conduct.conductor import Conductor
from fairway.model.orders import Order, Signal
from fairway.model.policy import ServicePolicy
from fairway.model.release import Release
from fairway.model.steps import Outcome, Step, Strategy, Verdict
from fairway.rollout.lead import lead
from tests.unit.conduct.ports import House
from tests.unit.rollout.parts import Spec, Specs

WEB = Spec(replicas=2, routed=True)


async def deploy(house: House, specs: Specs) -> tuple[Verdict, Conductor]:
    return await go(house, house.world.propose(specs))


async def go(house: House, release: Release) -> tuple[Verdict, Conductor]:
    conductor = house.conductor(release)
    fleet = house.observe(release)
    async with asyncio.timeout(10):
        verdict = await conductor.conduct(lead(fleet, release, house.world.course(release)), fleet)
    house.world.outcomes[release.number] = "promoted" if verdict is Verdict.PROMOTED else "failed"
    return verdict, conductor


async def one(
    house: House, release: Release, *steps: Step, conductor: Conductor | None = None
) -> tuple[list[Outcome], Conductor]:
    """Steps by hand, with what became of each."""
    outcomes: list[Outcome] = []

    def strategy() -> Generator[Step, Outcome, Verdict]:
        for step in steps:
            outcome = yield step
            outcomes.append(outcome)
        return Verdict.PROMOTED

    conductor = conductor or house.conductor(release)
    walk: Strategy = strategy()
    async with asyncio.timeout(10):
        await conductor.conduct(walk, house.observe(release))
    return outcomes, conductor


@dataclass
class Running:
    """Steps that are being performed."""

    conductor: Conductor
    task: asyncio.Task[tuple[list[Outcome], Conductor]]

    def say(self, order: Order, *, phase: int = 0, release: int | None = None) -> None:
        orders = self.conductor.orders
        said = Signal(order=order, release=release or orders.release, by="ann@desk", at=0.0, phase=phase)
        orders.take((*orders.given, said))

    async def goes_on(self) -> bool:
        """Whether it still waits when everything else had its turn."""
        for _ in range(50):
            await asyncio.sleep(0)
        return not self.task.done()

    async def end(self) -> list[Outcome]:
        return (await self.task)[0]


def begin(house: House, release: Release, *steps: Step, conductor: Conductor | None = None) -> Running:
    conductor = conductor or house.conductor(release)
    return Running(conductor, asyncio.create_task(one(house, release, *steps, conductor=conductor)))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (nothing tells)
            await asyncio.sleep(0)


def with_policy(house: House, release: Release, service: str, policy: ServicePolicy) -> Release:
    changed = replace(release, policies={**release.policies, service: policy})
    house.world.releases[house.world.releases.index(release)] = changed
    return changed
