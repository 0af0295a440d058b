"""Ways to drive a conductor in a test."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from dataclasses import replace

from fairway.conduct.conductor import Conductor
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


async def one(house: House, release: Release, *steps: Step) -> tuple[list[Outcome], Conductor]:
    """Steps by hand, with what became of each."""
    outcomes: list[Outcome] = []

    def strategy() -> Generator[Step, Outcome, Verdict]:
        for step in steps:
            outcome = yield step
            outcomes.append(outcome)
        return Verdict.PROMOTED

    conductor = house.conductor(release)
    walk: Strategy = strategy()
    async with asyncio.timeout(10):
        await conductor.conduct(walk, house.observe(release))
    return outcomes, conductor


def with_policy(house: House, release: Release, service: str, policy: ServicePolicy) -> Release:
    changed = replace(release, policies={**release.policies, service: policy})
    house.world.releases[house.world.releases.index(release)] = changed
    return changed
