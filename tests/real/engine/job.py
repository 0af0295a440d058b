"""Run a job in a process of its own: python -m tests.real.engine.job URL APP IMAGE TIMEOUT SCRIPT."""

from __future__ import annotations

import asyncio
import sys

from fairway.engines.docker.engine import DockerEngine
from fairway.model.app import Service
from fairway.model.build import ImageRef
from fairway.model.environment import Environment
from fairway.model.files import Mount, Volume
from fairway.model.policy import Job
from fairway.model.release import Release
from fairway.net.docker import connect
from fairway.ports import Ended
from tests.lab import Host
from tests.real.engine.conftest import SLEEP, World

NAME = "before-web"


def job_release(world: World) -> Release:
    data = Mount(type="volume", source="data", target="/data")
    service = Service(name="web", command=SLEEP, volumes=(data,), stop_grace_period=0.0)
    return world.release(service, volumes={"data": Volume(key="data")})


def sh(script: str, timeout: float = 60.0) -> Job:
    return Job(command=("sh", "-c", script), timeout=timeout)


async def run(
    engine: DockerEngine, release: Release, job: Job, *, secrets: dict[str, bytes] | None = None, **environment: str
) -> Ended:
    return await engine.run_once(
        release, release.revisions["web"], NAME, job, environment=environment, secrets=secrets or {}
    )


def containers(world: World, *more: str) -> list[str]:
    """The names of the environment's containers, running or not."""
    label = f"label=fairway.app={world.environment.app}"
    return world.host.docker("ps", "-a", "--format", "{{.Names}}", "--filter", label, *more).stdout.split()


def called(world: World, release: int = 1) -> str:
    return f"{world.environment.key}-{NAME}-r{release}"


async def main(url: str, app: str, image: str, timeout: str, script: str) -> None:
    world = World(Host.__new__(Host), ImageRef(reference="base", id=image), Environment(app, "test"))
    release = job_release(world)
    job = Job(command=("sh", "-c", script), timeout=float(timeout))
    async with connect(url) as docker:
        print("asking", flush=True)
        ended = await DockerEngine(world.environment, docker).run_once(
            release, release.revisions["web"], NAME, job, environment={}, secrets={}
        )
        print(ended.exit_code, ended.output, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
