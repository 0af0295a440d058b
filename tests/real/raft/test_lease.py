"""The lease in a Swarm: one holder, whichever manager is spoken to, and it dies with him."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from fairway.engines.swarm.lease import SwarmLeases
from fairway.model.environment import Environment
from fairway.model.errors import EngineError, FairwayError, Locked
from fairway.net.managers import Managers
from tests.lab.host import Host
from tests.lab.swarm import Swarm
from tests.real.engines import thorough
from tests.real.raft.conftest import reached

pytestmark = pytest.mark.anyio
CHECKOUT = Path(__file__).parents[3]
SOON = 6.0
"""Seconds of silence after which a holder is dead: where no leader is lost, less than usual will do."""


@pytest.fixture
def leases(environment: Environment, managers: Managers) -> SwarmLeases:
    return SwarmLeases(environment, managers, "eve@box", silence=SOON)


@asynccontextmanager
async def holder(environment: Environment, *hosts: Host) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process that has the lease."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.real.raft.hold", environment.app, str(SOON)),
        *(f"{host.name}={host.url}" for host in hosts),
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": "src"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    try:
        async with asyncio.timeout(30):
            while (await process.stdout.readline()).decode().strip() != "held":
                pass
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_it_is_free_as_soon_as_it_is_left(leases: SwarmLeases) -> None:
    for _ in range(3):
        async with leases.hold("deploy"):
            held = await leases.holder()
            assert held
            assert (held.by, held.doing) == ("eve@box", "deploy")
        assert await leases.holder() is None


async def test_one_at_a_time_through_whichever_manager(swarm: Swarm, environment: Environment) -> None:
    inside, most = 0, 0

    async def work(stack: AsyncExitStack, host: Host) -> None:
        nonlocal inside, most
        leases = SwarmLeases(environment, await reached(stack, host), host.name)
        for _ in range(3):
            async with leases.hold("deploy", wait=60):
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0.05)
                inside -= 1

    async with AsyncExitStack() as stack:
        await asyncio.gather(*(work(stack, host) for host in swarm.hosts))
    assert most == 1


async def test_whoever_comes_is_told_who_holds_it_and_gets_it_from_the_dead(
    swarm: Swarm, environment: Environment, leases: SwarmLeases
) -> None:
    async with holder(environment, swarm.hosts[1]) as process:
        with pytest.raises(Locked) as caught:
            async with leases.hold("deploy"):
                pass
        assert "ada@böx holds it since" in caught.value.why
        assert caught.value.why.endswith("UTC: deploy 7")
        process.kill()
        async with leases.hold("deploy"):
            pass


@thorough
async def test_a_holder_who_is_cut_off_stops_before_another_one_begins(
    swarm: Swarm, environment: Environment, leases: SwarmLeases
) -> None:
    """Its manager is on the wrong side of a cut network."""
    cut, order = swarm.hosts[2], []
    async with AsyncExitStack() as stack:
        alone = SwarmLeases(environment, await reached(stack, cut), "ada@box", silence=SOON)

        async def first() -> None:
            async with alone.hold("deploy"):
                order.append("held")
                try:
                    await asyncio.sleep(600)
                finally:
                    order.append("stopped")

        holding = asyncio.create_task(first())
        while not order:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        cut.unplug()
        try:
            async with leases.hold("deploy", wait=60):
                order.append("taken over")
            with pytest.raises(EngineError, match="was lost"):
                await holding
        finally:
            cut.plug()
            swarm.wait_ready()
    assert order == ["held", "stopped", "taken over"]


@thorough
async def test_it_outlives_the_manager_that_it_was_taken_through(swarm: Swarm, environment: Environment) -> None:
    lost = swarm.leader()
    others = [host for host in swarm.hosts if host is not lost]
    async with AsyncExitStack() as stack:
        leases = SwarmLeases(environment, await reached(stack, lost, *others), "eve@box")
        try:
            async with leases.hold("deploy"):
                lost.stop()
                await asyncio.sleep(45)
                elsewhere = SwarmLeases(environment, await reached(stack, others[0]), "ada@box")
                with pytest.raises(Locked):
                    async with elsewhere.hold("deploy"):
                        pass
        except FairwayError as error:
            pytest.fail(f"it was lost: {error}: {error.why}")
        finally:
            lost.start()
            swarm.wait_ready()
