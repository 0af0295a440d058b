"""Hold the lease of an environment until killed: python -m tests.real.engine.hold URL APP IMAGE [SECONDS]."""

from __future__ import annotations

import asyncio
import sys

from fairway.engines.docker.lease import DockerLeases
from fairway.model.environment import Environment
from fairway.net.docker import connect


async def main(url: str, app: str, image: str, seconds: str = "600") -> None:
    async with connect(url) as docker:
        leases = DockerLeases(Environment(app, "test"), docker, image, "ada@böx")
        print("asking", flush=True)
        async with leases.hold("deploy 7"):
            print("held", flush=True)
            await asyncio.sleep(float(seconds))


asyncio.run(main(*sys.argv[1:]))
