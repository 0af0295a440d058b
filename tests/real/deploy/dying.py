"""`python -m tests.real.deploy.dying N`: deploys production here, and kills itself at the N-th boundary between steps.

A boundary is the moment before a step, or after it. Exits 0, unharmed, where there are fewer than N.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from fairway.cli.common import Common
from fairway.cli.deployment import deployment
from fairway.cli.session import session
from fairway.flows.deploy import deploy
from fairway.model.events import Event, StepEnded, StepStarted


async def die_at(boundary: int) -> None:
    passed = 0

    def emit(event: Event) -> None:
        nonlocal passed
        if isinstance(event, StepStarted | StepEnded):
            passed += 1
            if passed == boundary:
                print(f"killed at {event}", flush=True)
                os.kill(os.getpid(), signal.SIGKILL)

    async with session(Common(directory=Path.cwd()), "production", "deploy", changes=True) as here:
        new = await deployment(here)
        await deploy(new.target, new.built(None), new.secrets, emit)


if __name__ == "__main__":
    asyncio.run(die_at(int(sys.argv[1])))
