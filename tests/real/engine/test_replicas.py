"""Replicas on a real host: made, kept, restarted, retired."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from fairway.engines.docker.engine import DockerEngine
from fairway.model.app import Attachment, Dependency, Network, Port, Service
from fairway.model.deploy import Deploy, Resources, RestartPolicy
from fairway.model.errors import EngineError
from fairway.model.files import Mount, Volume
from fairway.model.fleet import State
from fairway.net.client import Docker
from tests.real.engine.conftest import SLEEP, World

pytestmark = pytest.mark.anyio


async def test_ensure_makes_the_replicas_and_does_nothing_the_second_time(
    world: World, engine: DockerEngine, web: Service
) -> None:
    release = world.release(web)
    revision = release.revisions["web"]

    await engine.ensure(release, revision, 3, {})
    first = await engine.observe()
    await engine.ensure(release, revision, 3, {})

    assert await engine.observe() == first
    replicas = first.of(revision)
    assert [replica.index for replica in replicas] == [1, 2, 3]
    assert [replica.name for replica in replicas] == [f"{world.environment.key}-web-r1-{n}" for n in (1, 2, 3)]
    assert all(replica.up and replica.started and replica.created for replica in replicas)
    assert {replica.image for replica in replicas} == {world.image.id}
    assert len({replica.address for replica in replicas}) == 3


async def test_two_services_at_once_never_get_the_same_address(world: World, engine: DockerEngine) -> None:
    services = [Service(name=f"s{n}", command=SLEEP) for n in range(3)]
    release = world.release(*services)

    await asyncio.gather(*(engine.ensure(release, release.revisions[s.name], 2, {}) for s in services))

    addresses = [replica.address for replica in (await engine.observe()).replicas]
    assert len(set(addresses)) == len(addresses) == 6


async def test_a_restart_keeps_the_address_of_a_replica(world: World, engine: DockerEngine, web: Service) -> None:
    release = world.release(web)
    await engine.ensure(release, release.revisions["web"], 2, {})
    first, second = (await engine.observe()).replicas

    world.host.docker("stop", first.name)
    assert (await engine.observe()).replicas[0].address == first.address
    world.host.docker("restart", second.name)
    world.host.docker("start", first.name)

    after = (await engine.observe()).replicas
    assert [replica.address for replica in after] == [first.address, second.address]


async def test_stopped_replicas_are_started_again_and_lost_ones_replaced(
    world: World, engine: DockerEngine, web: Service
) -> None:
    release = world.release(web)
    revision = release.revisions["web"]
    await engine.ensure(release, revision, 3, {})
    before = (await engine.observe()).of(revision)
    world.host.docker("kill", before[0].name)
    world.host.docker("rm", "-f", before[1].name)

    await engine.ensure(release, revision, 3, {})

    after = (await engine.observe()).of(revision)
    assert [replica.index for replica in after] == [1, 2, 3]
    assert all(replica.state is State.RUNNING for replica in after)
    assert (after[0].id, after[2].id) == (before[0].id, before[2].id)


async def test_a_finished_job_is_not_run_again(world: World, engine: DockerEngine) -> None:
    job = Service(name="migrate", command=("true",))
    waiting = Dependency(service="migrate", condition="service_completed_successfully")
    release = world.release(job, Service(name="web", command=SLEEP, depends_on={"migrate": waiting}))
    revision = release.revisions["migrate"]
    await engine.ensure(release, revision, 1, {})
    world.host.docker("wait", f"{world.environment.key}-migrate-r1-1")
    before = await engine.observe()

    await engine.ensure(release, revision, 1, {})

    assert await engine.observe() == before
    assert before.of(revision)[0].exit_code == 0


async def test_retire_keeps_the_lowest_and_stops_within_the_grace_period(world: World, engine: DockerEngine) -> None:
    polite = Service(name="web", command=SLEEP, stop_grace_period=5)
    stubborn = Service(
        name="deaf", command=("sh", "-c", "trap '' TERM; while :; do sleep 1; done"), stop_grace_period=1
    )
    release = world.release(polite, stubborn)
    for service in ("web", "deaf"):
        await engine.ensure(release, release.revisions[service], 3, {})

    await engine.retire(release.revisions["web"], 1)
    await engine.retire(release.revisions["deaf"], 0)

    left = (await engine.observe()).replicas
    assert [(replica.revision.service, replica.index) for replica in left] == [("web", 1)]


async def test_the_stop_signal_is_the_services_own(world: World, engine: DockerEngine) -> None:
    script = "trap 'echo usr1 > /data/said; exit 0' USR1; while :; do sleep 0.05; done"
    data = Mount(type="volume", source="data", target="/data")
    service = Service(name="web", command=("sh", "-c", script), stop_signal="SIGUSR1", volumes=(data,))
    release = world.release(service, volumes={"data": Volume(key="data")})
    await engine.ensure(release, release.revisions["web"], 1, {})

    await engine.retire(release.revisions["web"], 0)

    volume = f"{world.environment.key}_data"
    said = world.host.docker("run", "--rm", "-v", f"{volume}:/data", world.image.reference, "cat", "/data/said")
    assert said.stdout == "usr1\n"


async def test_a_replica_killed_by_its_memory_limit_says_so(world: World, engine: DockerEngine) -> None:
    hungry = Service(
        name="hungry",
        command=("sh", "-c", "a=x; while :; do a=$a$a; done"),
        memswap_limit=16 << 20,
        deploy=Deploy(limits=Resources(memory=16 << 20)),
    )
    release = world.release(hungry)
    await engine.ensure(release, release.revisions["hungry"], 1, {})
    world.host.docker("wait", f"{world.environment.key}-hungry-r1-1")

    (replica,) = (await engine.observe()).replicas

    assert (replica.state, replica.oom_killed, replica.exit_code) == (State.EXITED, True, 137)


async def test_restarts_are_counted(world: World, engine: DockerEngine) -> None:
    policy = RestartPolicy(condition="on-failure", max_attempts=2)
    release = world.release(Service(name="web", command=("sh", "-c", "exit 3"), restart=policy))
    await engine.ensure(release, release.revisions["web"], 1, {})

    async for fleet in engine.watch():
        (replica,) = fleet.replicas
        if replica.state is State.EXITED and replica.restarts == 2:
            assert replica.exit_code == 3
            break


async def test_services_find_each_other_by_name_on_each_network(
    world: World, engine: DockerEngine, docker: Docker
) -> None:
    networks = {key: Network(key=key) for key in ("front", "back")}
    db = Service(name="db", command=SLEEP, networks={"back": Attachment(aliases=("database",))})
    web = Service(name="web", command=SLEEP, networks={"front": Attachment(), "back": Attachment(priority=5)})
    release = world.release(db, web, networks=networks)
    for service in ("db", "web"):
        await engine.ensure(release, release.revisions[service], 1, {})
    fleet = await engine.observe()
    (database,), (site,) = (fleet.of(release.revisions[name]) for name in ("db", "web"))

    found = world.host.docker("exec", site.name, "getent", "hosts", "db", "database")

    assert [line.split()[0] for line in found.stdout.splitlines()] == [database.address] * 2
    joined = (await docker.get(f"containers/{site.id}/json"))["NetworkSettings"]["Networks"]
    key = world.environment.key
    assert set(joined) == {f"{key}_front", f"{key}_back"}
    assert joined[f"{key}_back"]["IPAddress"] == site.address, "the gateway uses the network of the highest priority"
    assert all(entry["IPAMConfig"]["IPv4Address"] for entry in joined.values())


@pytest.mark.parametrize("mode", ["host", "none", "service:db"])
async def test_network_modes(world: World, engine: DockerEngine, docker: Docker, mode: str) -> None:
    db = Service(name="db", command=SLEEP)
    release = world.release(db, Service(name="web", command=SLEEP, network_mode=mode))
    for service in ("db", "web"):
        await engine.ensure(release, release.revisions[service], 1, {})

    fleet = await engine.observe()
    (database,), (site,) = (fleet.of(release.revisions[name]) for name in ("db", "web"))

    shown = await docker.get(f"containers/{site.id}/json")
    assert shown["HostConfig"]["NetworkMode"] == (f"container:{database.id}" if mode == "service:db" else mode)
    assert site.address == ("127.0.0.1" if mode == "host" else "")


async def test_a_fleet_of_another_environment_is_not_seen(
    world: World, engine: DockerEngine, docker: Docker, web: Service
) -> None:
    release = world.release(web)
    await engine.ensure(release, release.revisions["web"], 1, {})

    other = DockerEngine(replace(world.environment, name="other"), docker)

    assert (await other.observe()).replicas == ()


async def test_a_container_name_is_kept_and_a_foreign_container_with_it_left_alone(
    world: World, engine: DockerEngine
) -> None:
    name = f"{world.environment.app}-mine"
    release = world.release(Service(name="web", command=SLEEP, container_name=name))
    label = f"fairway.app={world.environment.app}"
    world.host.docker("run", "-d", "--name", name, "--label", label, world.image.reference, "sleep", "60")

    with pytest.raises(EngineError, match="taken") as caught:
        await engine.ensure(release, release.revisions["web"], 1, {})
    assert "docker rm" in caught.value.hint

    world.host.docker("rm", "-f", name)
    await engine.ensure(release, release.revisions["web"], 1, {})
    assert [replica.name for replica in (await engine.observe()).replicas] == [name]


async def test_what_a_killed_deployer_created_and_never_started_is_started(
    world: World, engine: DockerEngine, web: Service
) -> None:
    release = world.release(web)
    await engine.ensure(release, release.revisions["web"], 1, {})
    (replica,) = (await engine.observe()).replicas
    world.host.docker("rm", "-f", replica.name)
    labels = [f"--label=fairway.{key}={value}" for key, value in labels_of(world).items()]
    world.host.docker("create", "--name", replica.name, *labels, world.image.reference, *SLEEP)

    await engine.ensure(release, release.revisions["web"], 1, {})

    assert [r.state for r in (await engine.observe()).replicas] == [State.RUNNING]


def labels_of(world: World) -> dict[str, str]:
    return {
        "app": world.environment.app,
        "environment": world.environment.name,
        "kind": "replica",
        "service": "web",
        "release": "1",
        "revision": "d1",
        "index": "1",
    }


async def test_a_published_port_is_published(world: World, engine: DockerEngine, docker: Docker) -> None:
    ports = (Port(target=80, published=18080, host_ip="127.0.0.1"), Port(target=53, protocol="udp"))
    release = world.release(Service(name="web", command=SLEEP, ports=ports))
    await engine.ensure(release, release.revisions["web"], 1, {})

    (replica,) = (await engine.observe()).replicas
    bound = (await docker.get(f"containers/{replica.id}/json"))["NetworkSettings"]["Ports"]

    assert bound["80/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "18080"}]
    assert bound["53/udp"][0]["HostPort"]
