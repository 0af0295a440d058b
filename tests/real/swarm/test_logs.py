"""What tasks print on a Swarm. Docker's engine keeps a last line without an end from whoever follows."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from msgspec.structs import replace

from fairway.engines.swarm.console import SwarmConsole
from fairway.engines.swarm.engine import SwarmEngine
from fairway.model.app import Service
from fairway.model.deploy import Deploy, RestartPolicy
from tests.real.engine.conftest import World

pytestmark = pytest.mark.anyio
SCRIPTS = {
    "printf end": ["end"],
    "sleep 1; printf end": ["end"],
    "echo begin; sleep 1; printf end": ["begin", "end"],
    "printf 'a\\nb\\n'": ["a", "b"],
}


@pytest.mark.parametrize("script", SCRIPTS)
async def test_a_job_shows_all_that_it_prints(
    console: SwarmConsole, world: World, web: Service, script: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert await console.run(world.release(web), "web", ["sh", "-c", script], {}) == 0
    assert capfd.readouterr().out.splitlines() == SCRIPTS[script]


async def test_who_follows_reads_the_last_line_of_each_task_once(
    engine: SwarmEngine, console: SwarmConsole, world: World, web: Service
) -> None:
    """Each task ends in a line without an end; the slot's next one begins with the first line again."""
    script = "sleep 1; echo begin; sleep 2; printf end"
    deploy = Deploy(restart_policy=RestartPolicy(condition="any", delay=1.0))
    release = world.release(replace(web, command=("sh", "-c", script), deploy=deploy))
    await engine.ensure(release, release.revisions["web"], 1, {})
    read: list[str] = []
    async with asyncio.timeout(60), aclosing(console.logs((await engine.observe()).replicas, follow=True)) as lines:
        async for line in lines:
            read.append(line.text)
            if len(read) == 6:
                break
    assert read == ["begin", "end"] * 3
