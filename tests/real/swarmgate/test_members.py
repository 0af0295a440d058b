"""The certificate that the gateways of a Swarm show each other is followed by another one, under load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from datetime import timedelta

import pytest

from fairway.gateway.swarm.courier import Courier
from fairway.gateway.swarm.exchange import SwarmExchange
from fairway.gateway.swarm.traffic import SwarmTraffic
from fairway.net.certificates import LIFETIME
from tests.load import Report
from tests.real.engines import thorough
from tests.real.raft.conftest import reached
from tests.real.swarmgate.test_traffic import gateways, none_failed
from tests.real.swarmgate.town import GATEWAY_PORT, Town

pytestmark = [pytest.mark.anyio, thorough]
LOAD = {"websockets": 0, "streams": 0}


@asynccontextmanager
async def deployer(town: Town, lifetime: timedelta = LIFETIME) -> AsyncIterator[SwarmTraffic]:
    """Another one, who makes certificates of that lifetime."""
    async with AsyncExitStack() as stack:
        managers = await reached(stack, *town.swarm.hosts)
        courier = await stack.enter_async_context(Courier(managers))
        yield await stack.enter_async_context(
            SwarmTraffic(
                managers, town.environment, courier, image=town.image, http_port=GATEWAY_PORT, lifetime=lifetime
            )
        )


async def until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.time()))


@pytest.mark.timeout(900)
async def test_one_that_is_about_to_end_is_followed_by_another_and_users_see_nothing_of_it(town: Town) -> None:
    """A deployment does it, and goes on; later ones find the gateways when the one before has ended."""
    old, new = await town.run(1, "v1"), await town.run(2, "v2")
    await town.traffic.apply(town.table(old))
    async with deployer(town, timedelta(seconds=300)) as traffic:
        await traffic.follow()
        await traffic.services.start(alone=True)
        short = await traffic.services.members.latest()
    began = [gateways(host) for host in town.swarm.hosts]
    await until(short.ends - (short.ends - short.begins) / 3 + 1)
    with ExitStack() as stack:
        loads = [stack.enter_context(town.load(host, **LOAD)) for host in town.swarm.hosts]
        async with deployer(town) as traffic:
            assert await traffic.services.due()
            before = time.monotonic()
            await traffic.start()
            took = time.monotonic() - before
            assert not await traffic.services.due()
            await traffic.apply(town.table(new))
        await until(short.ends + 1)
        async with deployer(town) as traffic:
            await traffic.apply(town.table(old))
    none_failed(*(load.report for load in loads))
    assert all(set(load.report.versions) == {"v1", "v2"} for load in loads)
    assert [gateways(host) for host in town.swarm.hosts] == began
    print(f"followed in {took:.0f} s", [load.report.summary() for load in loads])


async def test_a_gateway_that_comes_with_the_one_before_gets_the_latest_and_the_table(town: Town) -> None:
    old = await town.run(1, "v1")
    await town.traffic.apply(town.table(old))
    exchange = SwarmExchange(town.traffic)
    assert not await exchange.begin()
    assert await exchange.advance()
    await town.traffic.followed()
    host = town.swarm.hosts[1]
    [first] = gateways(host)
    host.docker("rm", "-f", first)
    host.docker("volume", "rm", "fairway-gateway", check=False)
    for _ in range(100):
        await asyncio.sleep(0.3)
        if gateways(host) not in ([], [first]):
            break
    with town.load(host, **LOAD, slow=0, keep_alive=0, one_shot=1, pause=0.05) as load:
        await asyncio.sleep(10)
    assert set(load.report.versions) == {"v1"}, load.report.summary()
    await town.traffic.followed()


async def test_nobody_is_let_in_with_the_one_before_after_an_exchange(town: Town) -> None:
    """The last step replaces the gateways, one node after the other: users of the others see nothing of that."""
    old, new = await town.run(1, "v1"), await town.run(2, "v2")
    await town.traffic.apply(town.table(old))
    loads: list[Report] = []
    async with deployer(town) as traffic:
        exchange = SwarmExchange(traffic)
        assert not await exchange.begin()
        first, second = (await traffic.services.members.all())[-2:]
        assert await exchange.begin(), "one is under way"
        with ExitStack() as stack:
            users = [stack.enter_context(town.load(host, **LOAD)) for host in town.swarm.hosts]
            assert "give it to the gateways" in await exchange.advance()
            none_failed(*(load.stop() for load in users))
        with ExitStack() as stack:
            users = [stack.enter_context(town.load(host, **LOAD)) for host in town.swarm.hosts]
            assert "nobody is let in" in await exchange.advance()
            loads = [load.stop() for load in users]
        assert await exchange.advance() == ""
        members = await traffic.services.members.all()
        assert (first in members, members[-1]) == (False, second)
        await traffic.apply(town.table(new))
    print("while the gateways were replaced:", [load.summary() for load in loads])
