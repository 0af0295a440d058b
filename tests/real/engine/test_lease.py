"""The lease: one holder, and it dies with it."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

from fairway.engines.docker.keeper import Keeper
from fairway.engines.docker.lease import DockerLeases
from fairway.model.errors import EngineError, Locked
from fairway.net.client import Docker
from fairway.render import names
from tests.real.engine.conftest import World

pytestmark = pytest.mark.anyio
CHECKOUT = Path(__file__).parents[3]


@pytest.fixture
def leases(world: World, docker: Docker) -> DockerLeases:
    return DockerLeases(world.environment, Keeper(docker, world.image.id, "web-1"), "eve@box")


async def deployer(world: World, *more: str) -> asyncio.subprocess.Process:
    """Another process that asks for the lease."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.real.engine.hold"),
        *(world.host.url, world.environment.app, world.image.id, *more),
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": "src"},
        stdout=asyncio.subprocess.PIPE,
    )


async def said(process: asyncio.subprocess.Process, word: str) -> None:
    assert process.stdout
    async with asyncio.timeout(30):
        while (await process.stdout.readline()).decode().strip() != word:
            pass


async def freed(leases: DockerLeases) -> None:
    """The shell ends as soon as Docker has seen that nobody writes to it any more."""
    async with asyncio.timeout(5):
        while await leases.holder():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_it_is_free_again_as_soon_as_it_is_left(leases: DockerLeases) -> None:
    for _ in range(3):
        async with leases.hold("deploy"):
            holder = await leases.holder()
            assert holder
            assert (holder.by, holder.doing) == ("eve@box", "deploy")
            assert abs(holder.since - time.time()) < 60
        await freed(leases)


async def test_a_second_deployer_is_told_who_holds_it(world: World, leases: DockerLeases) -> None:
    process = await deployer(world)
    await said(process, "held")
    try:
        with pytest.raises(Locked) as caught:
            async with leases.hold("deploy"):
                pass
        assert "ada@böx holds it since" in caught.value.why
        assert caught.value.why.endswith("UTC: deploy 7")
        assert "--wait" in caught.value.hint
        with pytest.raises(Locked, match=r"after 0\.2 s"):
            async with leases.hold("deploy", wait=0.2):
                pass
    finally:
        process.kill()
        await process.wait()


async def test_a_killed_holder_frees_it_at_once(world: World, leases: DockerLeases) -> None:
    process = await deployer(world)
    await said(process, "held")
    killed = time.perf_counter()
    process.kill()
    async with leases.hold("deploy", wait=30):
        print(f"free {time.perf_counter() - killed:.3f} s after SIGKILL")
        holder = await leases.holder()
        assert holder and holder.by == "eve@box"
    await process.wait()


async def test_a_holder_that_gives_no_sign_of_life_is_followed(world: World, docker: Docker) -> None:
    """As one whose network was cut: its connection stays open. Somebody who has died there waits for ever."""
    process = await deployer(world, "600", "4")
    await said(process, "held")
    leases = DockerLeases(world.environment, Keeper(docker, world.image.id), "eve@box")
    with pytest.raises(Locked):
        async with leases.hold("deploy", wait=6):  # it lives
            pass
    process.send_signal(signal.SIGSTOP)
    async with leases.hold("deploy", wait=60):
        holder = await leases.holder()
        assert holder and holder.by == "eve@box"
        process.send_signal(signal.SIGCONT)
        await said(process, "lost")
        assert await leases.holder() == holder
    await process.wait()


async def test_a_deployer_killed_at_any_moment_leaves_no_lease(world: World, leases: DockerLeases) -> None:
    for moment in (random.uniform(0, 0.5) for _ in range(8)):
        process = await deployer(world)
        await said(process, "asking")
        await asyncio.sleep(moment)
        process.kill()
        async with leases.hold("deploy", wait=30):
            pass
        await process.wait()


async def test_of_many_at_once_one_holds_it_at_a_time(world: World, docker: Docker) -> None:
    inside, most, done = 0, 0, 0

    async def one(number: int) -> None:
        nonlocal inside, most, done
        mine = DockerLeases(world.environment, Keeper(docker, world.image.id), f"user{number}@box")
        async with mine.hold("deploy", wait=120):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1
            done += 1

    await asyncio.gather(*(one(number) for number in range(8)))
    assert (most, done) == (1, 8)


async def test_many_make_the_keeper_of_a_new_host_at_once(world: World, docker: Docker) -> None:
    for _ in range(3):
        world.host.docker("rm", "-f", "fairway-keeper", check=False)
        answers = await asyncio.gather(*(Keeper(docker, world.image.id).run("true") for _ in range(12)))
        assert {answer.status for answer in answers} == {0}


async def test_of_many_that_do_not_wait_one_gets_it(world: World, docker: Docker) -> None:
    over = asyncio.Event()

    async def one(number: int) -> bool:
        mine = DockerLeases(world.environment, Keeper(docker, world.image.id), f"user{number}@box")
        try:
            async with mine.hold("deploy"):
                await over.wait()
                return True
        except Locked:
            return False

    tries = [asyncio.create_task(one(number)) for number in range(10)]
    first_nine = [await task for task in islice(asyncio.as_completed(tries), 9)]
    over.set()
    assert first_nine == [False] * 9
    assert sum(await asyncio.gather(*tries)) == 1


async def test_who_loses_it_is_stopped(world: World, leases: DockerLeases) -> None:
    with pytest.raises(EngineError, match="was lost"):
        async with leases.hold("deploy"):
            world.host.docker("rm", "-f", "fairway-keeper")
            await asyncio.sleep(30)
    async with leases.hold("deploy"):
        assert await leases.holder()


async def test_looking_whether_it_is_free_keeps_nobody_from_taking_it(world: World, docker: Docker) -> None:
    async def look() -> None:
        looking = DockerLeases(world.environment, Keeper(docker, world.image.id), "ada@box")
        while True:
            await looking.holder()

    lookers = [asyncio.create_task(look()) for _ in range(4)]
    mine = DockerLeases(world.environment, Keeper(docker, world.image.id), "eve@box")
    for _ in range(20):
        async with mine.hold("deploy"):
            pass
    for looker in lookers:
        looker.cancel()
    await asyncio.gather(*lookers, return_exceptions=True)


async def test_a_shell_that_its_engine_has_forgotten_is_no_holder(
    world: World, docker: Docker, leases: DockerLeases
) -> None:
    """As `live-restore` leaves it: the engine was restarted, the keeper and all shells in it went on."""
    lock = f"/ledger/.leases/{names.lease(world.environment)}"
    said = f'{{"holder":{{"by":"ada@box","doing":"deploy","since":1.0}},"shell":"{64 * "0"}"}}'
    taken = f"mkdir -p /ledger/.leases; exec 9>>{lock}; flock 9; printf '%s\\n%s' $$ '{said}' >{lock}.holder"
    await leases.keeper.run("true")
    world.host.docker("exec", "--detach", "fairway-keeper", "sh", "-c", f"{taken}; exec sleep 600")
    while (await leases.keeper.run(f"[ -s {lock}.holder ]")).status:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    held = await leases._held()
    assert held and held.holder.by == "ada@box"
    assert await leases.holder() is None
    async with leases.hold("deploy"):
        holder = await leases.holder()
        assert holder and holder.by == "eve@box"


async def test_cancelling_the_holder_frees_it(leases: DockerLeases) -> None:
    held = asyncio.Event()

    async def work() -> None:
        async with leases.hold("deploy"):
            held.set()
            await asyncio.sleep(30)

    task = asyncio.create_task(work())
    await held.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await freed(leases)


async def test_one_after_the_other_without_a_pause(world: World, docker: Docker) -> None:
    for number in range(10):
        async with DockerLeases(world.environment, Keeper(docker, world.image.id), f"user{number}").hold("deploy"):
            pass
