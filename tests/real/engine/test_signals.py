"""Orders to a rollout: heard at once by whoever waits, and kept where nobody does."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from fairway.engines.docker.console import DockerConsole
from fairway.engines.docker.engine import DockerEngine
from fairway.engines.docker.signals import DockerSignals
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.model.orders import Order, Signal
from fairway.net.client import Docker
from fairway.net.docker import connect
from fairway.render import names
from tests.lab import Host
from tests.real.engine.conftest import World

pytestmark = pytest.mark.anyio
CHECKOUT = Path(__file__).parents[3]


@pytest.fixture
def signals(world: World, docker: Docker) -> DockerSignals:
    return DockerSignals(world.environment, docker, world.image.id, host="web-1")


async def now(signals: DockerSignals) -> tuple[Signal, ...]:
    """As somebody hears them who comes just now."""
    fresh = DockerSignals(signals.environment, signals.docker, signals.image)
    return await following(fresh.watch())


async def following(heard: AsyncIterator[tuple[Signal, ...]]) -> tuple[Signal, ...]:
    async with asyncio.timeout(20):
        return await anext(heard)


def orders(heard: tuple[Signal, ...]) -> list[tuple[Order, int, str]]:
    return [(signal.order, signal.release, signal.by) for signal in heard]


async def give(world: World, order: Order, release: int = 1, *, phase: int = 0, by: str = "ada@böx") -> float:
    """From another process; the moment just before."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.real.engine.order", world.host.url, world.environment.app, world.image.id),
        *(order.value, str(release), str(phase), by),
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": "src"},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return float(said)


async def test_who_waits_hears_the_order_of_another_process_at_once(world: World, signals: DockerSignals) -> None:
    async with aclosing(signals.watch()) as heard:
        assert await following(heard) == ()
        waiting = asyncio.create_task(anext(heard))
        sending = asyncio.create_task(give(world, Order.APPROVE, 7, phase=2))
        (signal,) = await asyncio.wait_for(waiting, 20)
        arrived = time.time()
        given = await sending
    print(f"heard {arrived - given:.3f} s after it was given")
    assert (signal.order, signal.release, signal.by, signal.phase) == (Order.APPROVE, 7, "ada@böx", 2)
    assert given - 1 < signal.at < arrived + 1
    assert arrived - given < 5


async def test_it_is_kept_for_whoever_comes_later_in_the_order_of_time(world: World, signals: DockerSignals) -> None:
    for order in (Order.PAUSE, Order.ABORT, Order.RESUME, Order.PAUSE):
        await signals.send(order, 3, "eve@box")
    assert [signal.order for signal in await now(signals)] == ["pause", "abort", "resume", "pause"]
    assert await now(DockerSignals(Environment(world.environment.app, "other"), signals.docker, signals.image)) == ()


async def test_those_that_are_cleared_do_not_come_back(signals: DockerSignals) -> None:
    await signals.send(Order.PAUSE, 1, "eve@box")
    async with aclosing(signals.watch()) as heard:
        assert len(await following(heard)) == 1
        await signals.clear()
        await signals.send(Order.PROMOTE, 2, "ada@box")
        assert orders(await following(heard)) == [(Order.PROMOTE, 2, "ada@box")]
    await signals.clear()
    assert await now(signals) == ()
    await signals.clear()


async def test_many_at_once_are_all_heard(world: World, signals: DockerSignals) -> None:
    async with aclosing(signals.watch()) as heard:
        given = asyncio.gather(*(signals.send(Order.APPROVE, number, "eve@box") for number in range(20)))
        seen: tuple[Signal, ...] = ()
        async with asyncio.timeout(30):
            while len(seen) < 20:
                seen = await anext(heard)
        await given
    assert {signal.release for signal in seen} == set(range(20))


async def test_what_is_no_order_is_ignored(world: World, signals: DockerSignals) -> None:
    for labels in ({}, {names.ORDER: "explode", names.RELEASE: "1"}, {names.ORDER: "abort", names.RELEASE: "one"}):
        words = [word for key, value in (signals.labels | labels).items() for word in ("--label", f"{key}={value}")]
        world.host.docker("create", *words, world.image.reference, "true")
    await signals.send(Order.ABORT, 1, "eve@box")
    assert orders(await now(signals)) == [(Order.ABORT, 1, "eve@box")]
    await signals.clear()
    assert world.host.docker("ps", "-aq", "--filter", f"label=fairway.app={world.environment.app}").stdout == ""


async def test_one_that_was_heard_counts_even_if_somebody_prunes_the_host(world: World, signals: DockerSignals) -> None:
    def prune() -> None:
        world.host.docker("container", "prune", "-f", "--filter", f"label=fairway.app={world.environment.app}")

    async with aclosing(signals.watch()) as heard:
        await signals.send(Order.PAUSE, 1, "eve@box")
        while not await following(heard):
            pass
        prune()
        assert await now(signals) == (), "whoever comes later has to be told again"
        await signals.send(Order.APPROVE, 1, "eve@box")
        assert [signal.order for signal in await following(heard)] == ["pause", "approve"]
        prune()
        await signals.clear()
        await signals.send(Order.RESUME, 1, "eve@box")
        assert [signal.order for signal in await following(heard)] == ["resume"]


async def test_nobody_takes_it_for_a_replica_and_down_removes_it(
    world: World, signals: DockerSignals, docker: Docker
) -> None:
    await signals.send(Order.ABORT, 1, "eve@box")
    engine = DockerEngine(world.environment, docker)
    assert (await engine.observe()).replicas == ()
    (name,) = await DockerConsole(world.environment, docker).down()
    assert name.startswith(f"fairway-order-{world.environment.key}-")
    assert await now(signals) == ()


async def test_it_may_do_nothing_and_has_never_run(world: World, signals: DockerSignals) -> None:
    await signals.send(Order.ABORT, 1, "eve@box")
    label = f"label=fairway.app={world.environment.app}"
    (name,) = world.host.docker("ps", "-aq", "--filter", label).stdout.split()
    shown = json.loads(world.host.docker("inspect", name).stdout)[0]
    limits = shown["HostConfig"]
    assert shown["State"]["Status"] == "created"
    assert (limits["NetworkMode"], limits["ReadonlyRootfs"], limits["CapDrop"]) == ("none", True, ["ALL"])


async def test_without_the_image_it_says_what_to_do(world: World, docker: Docker) -> None:
    with pytest.raises(EngineError, match="The order to abort could not be given") as caught:
        await DockerSignals(world.environment, docker, "gone:1").send(Order.ABORT, 1, "eve@box")
    assert "No such image" in caught.value.why


async def test_it_outlives_a_restart_of_the_host_and_so_does_the_watch(make_host: Callable[[], Host]) -> None:
    host = make_host()
    image = host.load_base_image()
    environment = Environment("reboot", "test")
    async with connect(host.url) as docker:
        signals = DockerSignals(environment, docker, image)
        await signals.send(Order.PAUSE, 1, "eve@box")
        async with aclosing(signals.watch()) as heard:
            assert len(await following(heard)) == 1
            await asyncio.to_thread(host.reboot)
            assert len(await now(signals)) == 1
            await signals.send(Order.ABORT, 1, "eve@box")
            assert [signal.order for signal in await following(heard)] == ["pause", "abort"]
