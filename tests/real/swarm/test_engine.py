from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from fairway.engines.swarm.engine import SwarmEngine
from fairway.model.app import Attachment, Healthcheck, Service
from fairway.model.deploy import Deploy, Placement, Resources
from fairway.model.errors import JobFailed
from fairway.model.files import FileMount
from fairway.model.fleet import Fleet, Health, Replica, State
from fairway.model.policy import Job
from fairway.model.release import Release
from fairway.render import names
from tests.lab import Swarm
from tests.real.engine.conftest import SLEEP, World

pytestmark = pytest.mark.anyio


async def seen(engine: SwarmEngine, condition: Callable[[Fleet], bool], seconds: float = 30) -> Fleet:
    async with asyncio.timeout(seconds):
        while True:
            fleet = await engine.observe()
            if condition(fleet):
                return fleet
            await asyncio.sleep(0.1)


def up(count: int) -> Callable[[Fleet], bool]:
    return lambda fleet: len(fleet.replicas) == count and all(replica.up for replica in fleet.replicas)


async def test_a_revision_grows_shrinks_and_goes(engine: SwarmEngine, world: World, web: Service, swarm: Swarm) -> None:
    release = world.release(web)
    revision = release.revisions["web"]
    await engine.ensure(release, revision, 2, {})
    assert len((await engine.observe()).of(revision)) == 2
    fleet = await seen(engine, up(2))
    assert [replica.name for replica in fleet.replicas] == [f"{world.environment.key}-web-r1-{n}" for n in (1, 2)]
    assert {replica.host for replica in fleet.replicas} <= {host.name for host in swarm.hosts}
    assert all(replica.address for replica in fleet.replicas)
    await engine.ensure(release, revision, 3, {})
    await engine.ensure(release, revision, 1, {})  # at least
    await seen(engine, up(3))
    await engine.retire(revision, 2)
    assert len((await seen(engine, up(2))).replicas) == 2
    await engine.retire(revision, 0)
    assert (await engine.observe()).replicas == ()
    assert world.environment.key not in swarm.manager.docker("service", "ls").stdout


async def test_one_that_is_followed_keeps_its_replicas_until_all_go(
    engine: SwarmEngine, world: World, web: Service
) -> None:
    first, second = world.release(web), world.release(web, number=2, digest="d2")
    await engine.ensure(first, first.revisions["web"], 2, {})
    await engine.ensure(second, second.revisions["web"], 1, {})
    await engine.retire(first.revisions["web"], 1)
    assert len((await engine.observe()).of(first.revisions["web"])) == 2
    await engine.retire(first.revisions["web"], 0)
    assert (await engine.observe()).revisions() == (second.revisions["web"],)


async def test_a_healthcheck_decides_when_it_is_up(engine: SwarmEngine, world: World, web: Service) -> None:
    check = Healthcheck(test=("CMD-SHELL", "test -e /tmp/ok"), interval=0.5, start_period=60)
    command = ("sh", "-c", "sleep 2; touch /tmp/ok; exec sleep infinity")
    release = world.release(replace(web, healthcheck=check, command=command))
    await engine.ensure(release, release.revisions["web"], 1, {})
    fleet = await seen(engine, lambda fleet: fleet.replicas[0].state is State.RUNNING)
    assert fleet.replicas[0].health is Health.STARTING
    assert (await seen(engine, up(1))).replicas[0].health is Health.HEALTHY


async def test_what_crashes_is_counted_and_its_reason_told(engine: SwarmEngine, world: World, web: Service) -> None:
    release = world.release(replace(web, command=("sh", "-c", "exit 3")))
    await engine.ensure(release, release.revisions["web"], 1, {})
    fleet = await seen(engine, lambda fleet: fleet.replicas[0].restarts > 0)
    assert "non-zero exit (3)" in fleet.replicas[0].complaint


async def test_what_has_no_place_is_told_in_swarms_words(engine: SwarmEngine, world: World, web: Service) -> None:
    release = world.release(replace(web, deploy=Deploy(reservations=Resources(memory=1 << 50))))
    await engine.ensure(release, release.revisions["web"], 1, {})
    fleet = await seen(engine, lambda fleet: bool(fleet.replicas[0].complaint))
    assert fleet.replicas[0].state is State.CREATED
    assert fleet.replicas[0].complaint == "no suitable node (insufficient resources on 3 nodes)"


async def test_global_is_one_on_each_node_that_will_do(
    engine: SwarmEngine, world: World, web: Service, swarm: Swarm
) -> None:
    where = Placement(constraints=(f"node.hostname!={swarm.hosts[2].name}",))
    release = world.release(replace(web, deploy=Deploy(mode="global", placement=where)))
    await engine.ensure(release, release.revisions["web"], 2, {})
    fleet = await seen(engine, up(2))
    assert {replica.host for replica in fleet.replicas} == {host.name for host in swarm.hosts[:2]}
    assert [replica.index for replica in fleet.replicas] == [1, 2]


async def test_configs_and_secrets_are_swarms_own_and_go_with_the_last_release_that_names_them(
    engine: SwarmEngine, world: World, web: Service, swarm: Swarm
) -> None:
    service = replace(
        web,
        configs=(FileMount(source="c", target="/etc/c"),),
        secrets=(FileMount(source="s", target="/run/secrets/s", mode=0o400),),
    )
    first = world.release(service, configs={"c": b"one"}, secrets={"s": "v1"})
    second = world.release(service, number=2, digest="d2", configs={"c": b"two"}, secrets={"s": "v1"})
    for release in (first, second):
        await engine.ensure(release, release.revisions["web"], 1, {"s": b"planted"})
    await seen(engine, up(2))
    said = await run(engine, second, "cat /etc/c /run/secrets/s", {"s": b"planted"})
    assert said == "twoplanted"
    assert count(swarm, "config", world) == 2
    assert count(swarm, "secret", world) == 1
    await engine.retire(first.revisions["web"], 0)
    await engine.keep([first, second])
    assert count(swarm, "config", world) == 2
    await engine.keep([second])
    assert count(swarm, "config", world) == 1
    inspected = swarm.manager.docker("service", "inspect", f"{world.environment.key}-web-r2").stdout
    assert "planted" not in inspected


def count(swarm: Swarm, kind: str, world: World) -> int:
    listed = swarm.manager.docker(kind, "ls", "--filter", f"label=fairway.app={world.environment.app}", "-q").stdout
    return len(listed.split())


async def run(engine: SwarmEngine, release: Release, script: str, secrets: dict[str, bytes]) -> str:
    job = Job(command=("sh", "-c", script), timeout=30)
    ended = await engine.run_once(
        release, release.revisions["web"], f"say-{len(script)}", job, environment={}, secrets=secrets
    )
    assert ended.exit_code == 0, ended
    return ended.output


async def test_a_job_is_run_once_and_one_that_failed_again(engine: SwarmEngine, world: World, web: Service) -> None:
    release = world.release(web)

    async def told(script: str, name: str = "migrate", timeout: float = 30.0) -> tuple[int, str]:
        job = Job(command=("sh", "-c", script), timeout=timeout)
        revision = release.revisions["web"]
        ended = await engine.run_once(release, revision, name, job, environment={"A": "b"}, secrets={})
        return ended.exit_code, ended.output

    assert await told("echo $A; date +%N") == (first := await told("echo $A; date +%N"))
    assert (first[0], first[1].splitlines()[0]) == (0, "b")
    assert await told("echo no; exit 4", "bad") == (4, "no")
    with pytest.raises(JobFailed, match="did not end within"):
        await told("sleep 60", "slow", timeout=2.0)
    await engine.forget(release)
    assert await engine.services.listed(names.of_jobs(world.environment, 1)) == []


async def test_the_watch_tells_each_change(engine: SwarmEngine, world: World, web: Service) -> None:
    release = world.release(web)
    told: list[tuple[Replica, ...]] = []

    async def follow() -> None:
        async for fleet in engine.watch():
            told.append(fleet.replicas)
            if fleet.replicas and all(replica.up for replica in fleet.replicas):
                return

    following = asyncio.create_task(follow())
    await engine.ensure(release, release.revisions["web"], 1, {})
    async with asyncio.timeout(30):
        await following
    assert told[0] == ()
    assert len(told) > 1


async def test_services_find_each_other_across_nodes(
    engine: SwarmEngine, world: World, web: Service, swarm: Swarm
) -> None:
    here, there = (
        Deploy(placement=Placement(constraints=(f"node.hostname=={host.name}",))) for host in swarm.hosts[:2]
    )
    db = Service(name="db", command=SLEEP, init=True, deploy=there, networks={"default": Attachment()})
    release = world.release(replace(web, deploy=here), db)
    for name in ("db", "web"):
        await engine.ensure(release, release.revisions[name], 1, {})
    fleet = await seen(engine, up(2))
    db_address = next(one.address for one in fleet.replicas if one.revision.service == "db")
    assert db_address in await run(engine, release, "getent hosts db", {})
