"""Jobs of a release: run once, waited for by whoever comes later, and gone when they are forgotten."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import aiodocker
import pytest

from fairway.engines.docker.console import DockerConsole
from fairway.engines.docker.engine import DockerEngine
from fairway.model.app import (
    Attachment,
    FileMount,
    Healthcheck,
    Logging,
    Mount,
    Network,
    Port,
    RestartPolicy,
    Service,
    Volume,
)
from fairway.model.errors import EngineError, JobFailed
from fairway.model.policy import Job
from fairway.model.release import Release
from fairway.ports import Ended
from fairway.render import names
from fairway.render.docker_once import definition
from tests.real.engine.conftest import SLEEP, World
from tests.real.engine.job import NAME, job_release

pytestmark = pytest.mark.anyio
CHECKOUT = Path(__file__).parents[3]
UNIQUE = "cat /proc/sys/kernel/random/uuid"


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


async def test_one_that_has_succeeded_is_not_run_again(world: World, engine: DockerEngine, web: Service) -> None:
    release = world.release(web)
    first = await run(engine, release, sh(UNIQUE))
    assert first.exit_code == 0
    assert len(first.output) == 36
    assert await run(engine, release, sh(UNIQUE, timeout=1)) == first
    assert containers(world) == [called(world)]
    assert (await engine.observe()).replicas == ()


async def test_one_that_has_failed_is_run_anew(world: World, engine: DockerEngine, web: Service) -> None:
    release = world.release(web)
    first, second = [await run(engine, release, sh(f"{UNIQUE}; exit 3")) for _ in range(2)]
    assert (first.exit_code, second.exit_code) == (3, 3)
    assert first.output != second.output
    assert containers(world) == [called(world)]


async def test_one_that_does_something_else_now_is_run_anew(world: World, engine: DockerEngine, web: Service) -> None:
    release = world.release(web)
    seen = [
        (await run(engine, release, sh(UNIQUE))).output,
        (await run(engine, release, sh(UNIQUE), PREVIEW="http://new")).output,
        (await run(engine, release, sh(f"{UNIQUE} # again"), PREVIEW="http://new")).output,
    ]
    assert len(set(seen)) == 3
    assert containers(world) == [called(world)]


async def test_every_release_and_every_name_has_its_own(world: World, engine: DockerEngine, web: Service) -> None:
    one, two = world.release(web), world.release(web, number=2)
    outputs = await asyncio.gather(
        run(engine, one, sh(UNIQUE)),
        run(engine, two, sh(UNIQUE)),
        engine.run_once(one, one.revisions["web"], "check-1-web", sh(UNIQUE), environment={}, secrets={}),
    )
    assert len({ended.output for ended in outputs}) == 3
    await engine.forget(one)
    assert containers(world) == [called(world, 2)]


async def test_the_last_lines_are_told(world: World, engine: DockerEngine, web: Service) -> None:
    script = "for i in $(seq 100); do echo line $i; done; sleep 0.2; printf 'gr\\xc3\\xb6\\xff\\xdfe' >&2; exit 1"
    ended = await run(engine, world.release(web), Job(command=("bash", "-c", script)))
    lines = ended.output.splitlines()
    assert len(lines) == 20
    assert lines[:2] == ["line 82", "line 83"]
    assert lines[-1].startswith("grö")


async def test_output_that_is_kept_nowhere(world: World, engine: DockerEngine, web: Service) -> None:
    release = world.release(replace(web, logging=Logging(driver="none")))
    assert await run(engine, release, sh("echo x")) == Ended(0, "(the logging driver none keeps nothing to read)")


async def test_one_that_takes_too_long_is_stopped_and_leaves_nothing(
    world: World, engine: DockerEngine, web: Service
) -> None:
    release = world.release(web)
    began = time.monotonic()
    with pytest.raises(JobFailed) as caught:
        await run(engine, release, sh("echo busy; trap 'exit 0' TERM; while :; do sleep 0.05; done", timeout=1))
    assert 1 <= time.monotonic() - began < 5
    assert caught.value.what == "the job before-web of release 1 did not end within 1 s"
    assert (caught.value.why, caught.value.where) == ("busy", "web-1")
    assert containers(world) == []


async def test_one_that_will_not_stop_is_killed_after_its_grace_period(
    world: World, engine: DockerEngine, web: Service
) -> None:
    release = world.release(replace(web, stop_grace_period=1.0))
    began = time.monotonic()
    with pytest.raises(JobFailed):
        await run(engine, release, sh("trap '' TERM; while :; do sleep 0.05; done", timeout=1))
    assert 2 <= time.monotonic() - began < 6
    assert containers(world) == []


@pytest.mark.parametrize("moment", [0.0, 0.02, 0.1, 0.3, 1.5])
async def test_cancelled_at_any_moment_nothing_of_it_is_left(
    world: World, engine: DockerEngine, web: Service, moment: float
) -> None:
    release = world.release(web)
    task = asyncio.create_task(run(engine, release, Job(command=SLEEP)))
    await asyncio.sleep(moment)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert containers(world) == []


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
    process = await deployer(world, script, timeout=6)
    await running(world)
    await asyncio.sleep(3)
    await kill(process)
    began = time.monotonic()
    with pytest.raises(JobFailed, match="within 6 s"):
        await run(engine, job_release(world), sh(script, timeout=6))
    assert 1 < time.monotonic() - began < 4.5
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


async def test_it_has_what_the_service_has(world: World, engine: DockerEngine) -> None:
    service = Service(
        name="web",
        environment={"COLOUR": "blue", "SIZE": "small"},
        configs=(FileMount(source="conf", target="/etc/app.conf"),),
        secrets=(FileMount(source="key", target="/run/secrets/key"),),
        volumes=(Mount(type="volume", source="data", target="/data"),),
        networks={"front": Attachment(), "back": Attachment()},
    )
    release = world.release(
        service,
        networks={key: Network(key=key) for key in ("front", "back")},
        volumes={"data": Volume(key="data")},
        configs={"conf": b"config"},
        secrets={"key": "v1"},
    )
    script = (
        "echo $COLOUR $SIZE $PREVIEW; cat /etc/app.conf; echo; cat /run/secrets/key; echo; "
        "echo kept > /data/x; ls /sys/class/net | grep -c eth"
    )
    job = sh(script)

    ended = await run(engine, release, job, secrets={"key": b"pl4nted"}, SIZE="large", PREVIEW="http://new")

    assert ended == Ended(0, "blue large http://new\nconfig\npl4nted\n2")
    volumes = world.host.docker("volume", "ls", "-q", "--filter", f"label=fairway.app={world.environment.app}")
    assert "pl4nted" not in world.host.docker("inspect", called(world), *volumes.stdout.split()).stdout
    assert len(volumes.stdout.split()) == 2
    await engine.forget(release)
    left = world.host.docker("volume", "ls", "-q", "--filter", f"label=fairway.app={world.environment.app}")
    assert left.stdout.split() == [f"{world.environment.key}_data"]


async def test_what_failed_is_run_anew_where_the_secrets_are_not_at_hand(world: World, engine: DockerEngine) -> None:
    service = Service(name="web", secrets=(FileMount(source="key", target="/run/secrets/key"),))
    release, job = world.release(service, secrets={"key": "v1"}), sh("cat /run/secrets/key; exit 1")
    assert await run(engine, release, job, secrets={"key": b"value"}) == Ended(1, "value")
    assert await run(engine, release, job) == Ended(1, "value")


async def test_it_is_in_no_replicas_way(world: World, engine: DockerEngine) -> None:
    service = Service(
        name="web",
        command=SLEEP,
        ports=(Port(target=80, published=18083),),
        restart=RestartPolicy(condition="any"),
        healthcheck=Healthcheck(test=("CMD", "false"), interval=0.1, retries=1),
    )
    release = world.release(service)
    await engine.ensure(release, release.revisions["web"], 1, {})
    (replica,) = (await engine.observe()).replicas

    ended = await run(engine, release, sh("getent ahostsv4 web | cut -d' ' -f1 | sort -u; hostname -I; exit 1"))

    found, own = ended.output.split()
    assert (found, ended.exit_code) == (replica.address, 1)
    assert own != replica.address
    shown = world.host.docker("inspect", called(world), "--format", "{{.RestartCount}} {{.State.Health}}").stdout
    assert shown.split() == ["0", "<nil>"]
    assert [r.id for r in (await engine.observe()).replicas] == [replica.id]
    await engine.retire(release.revisions["web"], 0)
    assert containers(world) == [called(world)]


async def test_a_program_that_is_not_there(world: World, engine: DockerEngine, web: Service) -> None:
    with pytest.raises(EngineError, match="could not be started") as caught:
        await run(engine, world.release(web), Job(command=("/no/such",)))
    assert "check `command`" in caught.value.hint
    assert containers(world) == []


async def test_a_name_that_somebody_else_has(world: World, engine: DockerEngine, web: Service) -> None:
    label = f"fairway.app={world.environment.app}"
    world.host.docker("create", "--name", called(world), "--label", label, world.image.reference, "true")
    with pytest.raises(EngineError, match="is taken") as caught:
        await run(engine, world.release(web), sh("true"))
    assert called(world) in caught.value.hint
    assert containers(world) == [called(world)]


async def test_one_that_somebody_removes_while_it_runs(world: World, engine: DockerEngine) -> None:
    task = asyncio.create_task(run(engine, job_release(world), sh("echo busy; sleep 60")))
    await running(world)
    await asyncio.sleep(0.3)
    world.host.docker("rm", "-f", called(world))
    assert (await task).exit_code == 137


async def test_forget_and_down_remove_those_that_run_too(
    world: World, engine: DockerEngine, docker: aiodocker.Docker
) -> None:
    release = job_release(world)
    for remove in (lambda: engine.forget(release), DockerConsole(world.environment, docker).down):
        process = await deployer(world, "echo busy; sleep 60")
        await running(world)
        await kill(process)
        await remove()
        assert containers(world) == []
    await engine.forget(release)
