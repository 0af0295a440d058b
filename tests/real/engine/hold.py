"""Hold the lease of an environment until killed: python -m tests.real.engine.hold URL APP IMAGE [SECONDS [SILENCE]]."""

from __future__ import annotations

import asyncio
import sys

from fairway.engines.docker.keeper import Keeper
from fairway.engines.docker.lease import DockerLeases
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.net.docker import connect


async def main(url: str, app: str, image: str, seconds: str = "600", silence: str = "40") -> None:
    async with connect(url) as docker:
        leases = DockerLeases(Environment(app, "test"), Keeper(docker, image), "ada@böx", silence=float(silence))
        print("asking", flush=True)
        try:
            async with leases.hold("deploy 7"):
                print("held", flush=True)
                await asyncio.sleep(float(seconds))
        except EngineError:
            print("lost", flush=True)


asyncio.run(main(*sys.argv[1:]))
