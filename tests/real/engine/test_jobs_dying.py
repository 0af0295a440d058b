"""Jobs whose deployer was killed, and jobs that somebody removes."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from fairway.engines.docker.console import DockerConsole
from fairway.engines.docker.engine import DockerEngine
from fairway.model.app import Service
from fairway.model.errors import JobFailed
from fairway.net.client import Docker
from fairway.ports import Ended
from fairway.render import names
from fairway.render.docker_once import definition
from tests.real.engine.conftest import World
from tests.real.engine.job import called, containers, job_release, run, sh

pytestmark = pytest.mark.anyio
CHECKOUT = Path(__file__).parents[3]
UNIQUE = "cat /proc/sys/kernel/random/uuid"


async def deployer(world: World, script: str, timeout: float = 60.0) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.real.engine.job"),
        *(world.host.url, world.environment.app, world.image.id, str(timeout), script),
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": "src"},
        stdout=asyncio.subprocess.PIPE,
    )


async def running(world: World) -> str:
    """The output of the job as soon as it has printed something."""
    async with asyncio.timeout(20):
        while not (said := world.host.docker("logs", called(world), check=False).stdout):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return said.strip()


async def kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):  # it was faster
        process.kill()
    await process.wait()


async def test_one_whose_deployer_was_killed_is_waited_for(world: World, engine: DockerEngine) -> None:
    script = f"{UNIQUE}; sleep 2; exit 4"
    process = await deployer(world, script)
    said = await running(world)
    await kill(process)
    assert await run(engine, job_release(world), sh(script)) == Ended(4, said)


async def test_one_that_has_succeeded_since_its_deployer_was_killed_is_not_run_again(
    world: World, engine: DockerEngine
) -> None:
    script = f"{UNIQUE}; sleep 1"
    process = await deployer(world, script)
    said = await running(world)
    await kill(process)
    await asyncio.to_thread(world.host.docker, "wait", called(world))
    assert await run(engine, job_release(world), sh(script)) == Ended(0, said)


async def test_the_time_it_has_counts_from_its_start(world: World, engine: DockerEngine) -> None:
    script = "echo busy; while :; do sleep 0.05; done"
    process = await deployer(world, script, timeout=10)
    await running(world)
    await asyncio.sleep(5)
    await kill(process)
    began = time.monotonic()
    with pytest.raises(JobFailed, match="within 10 s"):
        await run(engine, job_release(world), sh(script, timeout=10))
    assert 1 < time.monotonic() - began < 10
    assert containers(world) == []


async def test_one_of_an_earlier_attempt_that_still_runs_gives_way(world: World, engine: DockerEngine) -> None:
    process = await deployer(world, "echo busy; while :; do sleep 0.05; done")
    await running(world)
    await kill(process)
    assert await run(engine, job_release(world), sh("echo new")) == Ended(0, "new")
    assert containers(world) == [called(world)]


async def test_killed_at_any_moment_it_is_run_once(world: World, engine: DockerEngine) -> None:
    script = "echo start >> /data/log; sleep 2; echo end >> /data/log"
    for moment in (random.uniform(0, 0.8) for _ in range(6)):
        process = await deployer(world, script)
        assert process.stdout
        await process.stdout.readline()
        await asyncio.sleep(moment)
        await kill(process)
    release = job_release(world)
    assert (await run(engine, release, sh(script))).exit_code == 0
    log = await engine.run_once(
        release, release.revisions["web"], "look", sh("cat /data/log"), environment={}, secrets={}
    )
    assert log.output.split() == ["start", "end"]


async def test_one_that_was_made_and_never_started_is_run(world: World, engine: DockerEngine, web: Service) -> None:
    release, job = world.release(web), sh("echo done")
    labels = names.of_jobs(world.environment, 1)
    labels |= {names.DEFINITION: definition(release.revisions["web"], job, {})}
    words = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    world.host.docker("create", "--name", called(world), *words, world.image.reference, "true")
    assert await run(engine, release, job) == Ended(0, "done")


async def test_one_that_somebody_removes_while_it_runs(world: World, engine: DockerEngine) -> None:
    task = asyncio.create_task(run(engine, job_release(world), sh("echo busy; sleep 60")))
    await running(world)
    await asyncio.sleep(0.3)
    world.host.docker("rm", "-f", called(world))
    assert (await task).exit_code == 137


async def test_forget_and_down_remove_those_that_run_too(world: World, engine: DockerEngine, docker: Docker) -> None:
    release = job_release(world)
    for remove in (lambda: engine.forget(release), DockerConsole(world.environment, docker).down):
        process = await deployer(world, "echo busy; sleep 60")
        await running(world)
        await kill(process)
        await remove()
        assert containers(world) == []
    await engine.forget(release)
