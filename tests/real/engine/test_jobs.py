"""Jobs of a release: run once, waited for by whoever comes later, and gone when they are forgotten."""

from __future__ import annotations

import asyncio
import time

import pytest
from msgspec.structs import replace

from fairway.engines.docker.engine import DockerEngine
from fairway.model.app import Attachment, Healthcheck, Logging, Network, Port, Service
from fairway.model.deploy import RestartPolicy
from fairway.model.errors import EngineError, JobFailed
from fairway.model.files import FileMount, Mount, Volume
from fairway.model.policy import Job
from fairway.ports import Ended
from tests.real.engine.conftest import SLEEP, World
from tests.real.engine.job import called, containers, run, sh

pytestmark = pytest.mark.anyio
UNIQUE = "cat /proc/sys/kernel/random/uuid"


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
    assert time.monotonic() - began >= 1
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
    assert time.monotonic() - began >= 2
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
    await engine.keep([])
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


async def test_one_of_an_earlier_revision_is_run_again_and_again_for_the_release_that_asks(
    world: World, engine: DockerEngine, web: Service
) -> None:
    """As the judge probes what serves: each takes the place of the one before, and all go with that release."""
    one, two = world.release(web), world.release(web, number=2)
    probe, old = replace(one, number=2), one.revisions["web"]
    outputs = [
        await engine.run_once(
            probe, old, "probe-web-r1", sh(UNIQUE), environment={"FAIRWAY_PROBE": str(number)}, secrets={}
        )
        for number in range(2)
    ]
    assert len({ended.output for ended in outputs}) == 2
    assert len(containers(world)) == 1
    hurried = replace(probe, app=replace(probe.app, services={"web": replace(web, stop_grace_period=0.0)}))
    task = asyncio.create_task(
        engine.run_once(
            hurried, old, "probe-web-r1", sh("trap '' TERM; sleep 60 & wait; sleep 60"), environment={}, secrets={}
        )
    )
    await asyncio.sleep(2)
    began = time.monotonic()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert time.monotonic() - began < 9, "the ten seconds that Docker gives by itself"
    assert containers(world) == []
    await engine.run_once(probe, old, "probe-web-r1", sh(UNIQUE), environment={}, secrets={})
    await engine.forget(two)
    assert containers(world) == []
