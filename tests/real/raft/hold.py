"""Hold the lease of an environment until killed: python -m tests.real.raft.hold APP SILENCE NAME=URL…"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack

from fairway.engines.swarm.lease import SwarmLeases
from fairway.model.environment import Environment
from fairway.net.docker import connect
from fairway.net.managers import Managers


async def main(app: str, silence: str, *hosts: str) -> None:
    async with AsyncExitStack() as stack:
        urls = dict(host.split("=", 1) for host in hosts)
        managers = Managers({name: await stack.enter_async_context(connect(url)) for name, url in urls.items()})
        leases = SwarmLeases(Environment(app, "test"), managers, "ada@böx", silence=float(silence))
        print("asking", flush=True)
        async with leases.hold("deploy 7", wait=600):
            print("held", flush=True)
            await asyncio.sleep(600)


asyncio.run(main(*sys.argv[1:]))
