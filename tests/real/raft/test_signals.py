"""Orders reach a rollout through every manager, at once, and stay until they are cleared."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing

import pytest

from fairway.engines.swarm.signals import SwarmSignals
from fairway.model.environment import Environment
from fairway.model.orders import Order
from tests.lab.swarm import Swarm
from tests.real.raft.conftest import reached

pytestmark = pytest.mark.anyio


async def test_an_order_is_heard_through_another_manager(swarm: Swarm, environment: Environment) -> None:
    async with AsyncExitStack() as stack:
        told = SwarmSignals(environment, await reached(stack, swarm.hosts[0]))
        heard = SwarmSignals(environment, await reached(stack, swarm.hosts[1]))
        async with aclosing(heard.watch()) as news, asyncio.timeout(30):
            assert await anext(news) == ()
            await told.send(Order.PAUSE, 7, "ada@box")
            [pause] = await anext(news)
            assert (pause.order, pause.release, pause.by) == (Order.PAUSE, 7, "ada@box")
            await told.send(Order.APPROVE, 7, "eve@box", phase=2)
            assert [(one.order, one.phase) for one in await anext(news)] == [(Order.PAUSE, 0), (Order.APPROVE, 2)]
        await heard.clear()
        async with aclosing(told.watch()) as news:
            assert await anext(news) == ()
