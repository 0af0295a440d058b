"""Watching: told by events, and not lost when the stream of events is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import pytest

from fairway.engines.docker.engine import DockerEngine
from fairway.model.app import Healthcheck, Service
from fairway.model.build import ImageRef
from fairway.model.deploy import RestartPolicy
from fairway.model.environment import Environment
from fairway.model.fleet import Fleet, Health, Replica, State
from fairway.net.docker import connect
from tests.lab import Host
from tests.real.engine.conftest import SLEEP, World

pytestmark = pytest.mark.anyio


async def until(fleets: AsyncIterator[Fleet], holds: Callable[[Fleet], bool]) -> list[Fleet]:
    """All fleets up to the first one for which it holds."""
    seen: list[Fleet] = []
    async with asyncio.timeout(60):
        async for fleet in fleets:
            seen.append(fleet)
            if holds(fleet):
                return seen
    raise AssertionError("the watch has ended")


def only(fleet: Fleet) -> Replica | None:
    return fleet.replicas[0] if fleet.replicas else None


async def test_health_is_seen_as_it_changes(world: World, engine: DockerEngine) -> None:
    check = Healthcheck(test=("CMD-SHELL", "cat /tmp/well"), interval=0.2, timeout=1, retries=1)
    release = world.release(Service(name="web", command=SLEEP, healthcheck=check))
    async with aclosing(engine.watch()) as fleets:
        assert (await until(fleets, lambda fleet: True))[0].replicas == ()
        await engine.ensure(release, release.revisions["web"], 1, {})
        sick = await until(fleets, lambda fleet: bool((r := only(fleet)) and r.health is Health.UNHEALTHY))
        assert "No such file" in sick[-1].replicas[0].complaint
        assert Health.STARTING in {replica.health for fleet in sick if (replica := only(fleet))}
        world.host.docker("exec", sick[-1].replicas[0].name, "touch", "/tmp/well")
        well = await until(fleets, lambda fleet: bool((r := only(fleet)) and r.health is Health.HEALTHY))
        assert well[-1].replicas[0].up


async def test_starts_ends_and_removals_are_seen(world: World, engine: DockerEngine, web: Service) -> None:
    release = world.release(web)
    async with aclosing(engine.watch()) as fleets:
        await until(fleets, lambda fleet: not fleet.replicas)
        await engine.ensure(release, release.revisions["web"], 1, {})
        (running,) = (await until(fleets, lambda fleet: bool((r := only(fleet)) and r.up)))[-1].replicas
        world.host.docker("kill", running.name)
        ended = await until(fleets, lambda fleet: bool((r := only(fleet)) and r.state is State.EXITED))
        assert ended[-1].replicas[0].exit_code == 137
        await engine.retire(release.revisions["web"], 0)
        await until(fleets, lambda fleet: not fleet.replicas)


async def test_addresses_and_the_watch_outlive_a_restart_of_docker(
    make_host: Callable[[], Host],
) -> None:
    host = make_host()
    image = host.load_base_image()
    identity = host.docker("image", "inspect", image, "--format", "{{.Id}}").stdout.strip()
    world = World(host, ImageRef(reference=image, id=identity), Environment("reboot", "test"))
    service = Service(name="web", command=SLEEP, restart=RestartPolicy(condition="any"))
    release = world.release(service)
    async with connect(host.url) as docker:
        engine = DockerEngine(world.environment, docker)
        await engine.ensure(release, release.revisions["web"], 3, {})
        before = (await engine.observe()).replicas
        host.docker("rm", "-f", before[1].name)
        async with aclosing(engine.watch()) as fleets:
            await until(fleets, lambda fleet: len(fleet.replicas) == 2)
            await asyncio.to_thread(host.reboot)
            fleet = (
                await until(
                    fleets,
                    lambda fleet: [r.up and r.started > before[0].started + 1 for r in fleet.replicas] == [True] * 2,
                )
            )[-1]
        assert [replica.address for replica in fleet.replicas] == [before[0].address, before[2].address]
