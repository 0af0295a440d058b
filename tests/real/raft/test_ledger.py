"""What the managers keep together: a lost one loses nothing, and of two writers one wins."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack

import pytest
from msgspec.structs import replace

from fairway.engines.common.ledger import ShelfLedger
from fairway.engines.swarm.sealed import SealedShelf
from fairway.engines.swarm.shelf import SIZE, RaftShelf
from fairway.model.app import App
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.model.release import Progress, Release, promoted
from fairway.net.managers import Managers
from tests.lab.swarm import Swarm
from tests.real.engines import thorough
from tests.real.raft.conftest import reached

pytestmark = pytest.mark.anyio


def ledger(environment: Environment, managers: Managers) -> ShelfLedger:
    return ShelfLedger(environment, RaftShelf(environment.key, managers))


def release(environment: Environment, number: int = 1) -> Release:
    app = App(name=environment.app, services={})
    return Release(number=number, environment=environment, app=app, images={}, revisions={})


async def test_files_of_every_size_come_back_and_the_last_one_counts(
    environment: Environment, managers: Managers
) -> None:
    shelf, other = RaftShelf(environment.key, managers), RaftShelf(f"{environment.key}.more", managers)
    large = os.urandom(2 * SIZE + 7)
    await shelf.write({"empty": b"", "größe {}.json": b"one", "large": large})
    await other.write({"empty": b"other"})
    for text in (b"two", b"three"):
        await shelf.write({"größe {}.json": text})
    assert await shelf.files() == {"empty": b"", "größe {}.json": b"three", "large": large}
    await shelf.write({"large": large + b"."})
    await shelf.remove(["empty", "nothing"])
    assert await shelf.files() == {"größe {}.json": b"three", "large": large + b"."}
    await shelf.remove(["größe {}.json", "large"])
    assert await shelf.files() == {}
    assert not await shelf.has("large")
    await other.remove(["empty"])
    kept = await managers.get("configs")
    assert not [one for one in kept if environment.key in str(one["Spec"]["Labels"])], "no part is left"


async def test_of_two_who_write_one_record_at_once_one_wins(environment: Environment, managers: Managers) -> None:
    for number in range(1, 6):
        wanted = [replace(release(environment, number), images={}, secrets={"who": who}) for who in ("a", "b", "c")]
        told = await asyncio.gather(
            *(ledger(environment, managers).intend(one) for one in wanted), return_exceptions=True
        )
        won = [one for one, error in zip(wanted, told, strict=True) if error is None]
        assert len(won) == 1, told
        assert all(error is None or isinstance(error, EngineError) for error in told)
        assert (await ledger(environment, managers).read())[-1].release.secrets == won[0].secrets


@thorough
async def test_a_manager_is_lost_and_nothing_with_it(swarm: Swarm, environment: Environment) -> None:
    lost, other, third = swarm.leader(), *(host for host in swarm.hosts if host is not swarm.leader())
    async with AsyncExitStack() as stack:
        kept = ledger(environment, await reached(stack, lost, other, third))
        await kept.intend(release(environment))
        await kept.conclude(release(environment), "promoted")
        lost.stop()
        try:
            await kept.intend(release(environment, 2))
            await kept.note(release(environment, 2), Progress())
            through = ledger(environment, await reached(stack, third))
            assert [record.release.number for record in await through.read()] == [1, 2]
            assert promoted(await through.read()) == release(environment)
        finally:
            lost.start()
            swarm.wait_ready()
        back = ledger(environment, await reached(stack, lost))
        assert await back.read() == await kept.read()


@thorough
async def test_without_most_managers_it_is_told(swarm: Swarm, environment: Environment) -> None:
    first, *others = swarm.hosts
    async with AsyncExitStack() as stack:
        managers = await reached(stack, first)
        managers.patience = 12.0
        for host in others:
            host.stop()
        try:
            with pytest.raises(EngineError, match="no leader") as caught:
                await ledger(environment, managers).intend(release(environment))
            assert "more than half" in caught.value.hint
        finally:
            for host in others:
                host.start()
            swarm.wait_ready()


async def test_what_is_secret_is_sealed_to_its_place(environment: Environment, managers: Managers) -> None:
    key, other = os.urandom(32), os.urandom(32)

    def shelf(with_key: bytes, folder: str = "certificates") -> SealedShelf:
        async def give() -> bytes:
            return with_key

        return SealedShelf(RaftShelf(f"{environment.key}.{folder}", managers), give)

    await shelf(key).write({"one": b"-----BEGIN PRIVATE KEY-----"})
    assert await shelf(key).files() == {"one": b"-----BEGIN PRIVATE KEY-----"}
    kept = await RaftShelf(f"{environment.key}.certificates", managers).files()
    assert b"PRIVATE" not in kept["one"]
    with pytest.raises(EngineError, match="cannot be opened"):
        await shelf(other).files()
    await RaftShelf(f"{environment.key}.elsewhere", managers).write(kept)
    with pytest.raises(EngineError, match="cannot be opened"):
        await shelf(key, "elsewhere").files()
