"""Give an order from a process of its own: python -m tests.real.engine.order URL APP IMAGE ORDER RELEASE PHASE BY."""

from __future__ import annotations

import asyncio
import sys
import time

from fairway.engines.docker.signals import DockerSignals
from fairway.model.environment import Environment
from fairway.model.orders import Order
from fairway.net.docker import connect


async def main(url: str, app: str, image: str, order: str, release: str, phase: str, by: str) -> None:
    async with connect(url) as docker:
        signals = DockerSignals(Environment(app, "test"), docker, image)
        print(time.time(), flush=True)
        await signals.send(Order(order), int(release), by, phase=int(phase))


asyncio.run(main(*sys.argv[1:]))
