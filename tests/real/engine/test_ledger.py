"""The ledger survives the deployer, restarts, and whoever prunes the host."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile

import pytest

from fairway.engines.common.ledger import ShelfLedger
from fairway.engines.common.ledger_codec import progress_name
from fairway.engines.docker.keeper import Keeper
from fairway.engines.docker.shelf import DockerShelf
from fairway.model.app import Service
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.model.release import Progress, promoted, under_way
from fairway.net.client import Docker
from fairway.net.containers import put
from fairway.net.http import Request
from tests.real.engine.conftest import World

pytestmark = pytest.mark.anyio


def ledger_on(environment: Environment, docker: Docker, image: str) -> ShelfLedger:
    """As another process has it: with a shell of its own."""
    return ShelfLedger(environment, DockerShelf(environment.key, Keeper(docker, image, "web-1")))


@pytest.fixture
def ledger(world: World, docker: Docker) -> ShelfLedger:
    return ledger_on(world.environment, docker, world.image.id)


async def test_reading_where_nothing_was_deployed_makes_nothing(
    world: World, docker: Docker, ledger: ShelfLedger
) -> None:
    world.host.docker("rm", "-f", "fairway-keeper", check=False)
    world.host.docker("volume", "rm", "fairway-ledger", check=False)
    assert await ledger.read() == ()
    assert "fairway-ledger" not in world.host.docker("volume", "ls", "-q").stdout


async def test_what_was_intended_and_what_became_of_it(world: World, docker: Docker, ledger: ShelfLedger) -> None:
    first, second = world.release(Service(name="größe"), number=1), world.release(Service(name="web"), number=2)
    await ledger.intend(first)
    assert under_way(await ledger.read()) == first
    await ledger.conclude(first, "promoted", "all is well")
    await ledger.intend(second)

    one, two = await ledger.read()

    assert (one.release, one.outcome, one.detail) == (first, "promoted", "all is well")
    assert one.finished.endswith("Z")
    assert (two.release, two.outcome) == (second, "")
    assert promoted((one, two)) == first
    assert await ledger_on(world.environment, docker, world.image.id).read() == (one, two)


async def test_a_number_is_used_once(world: World, ledger: ShelfLedger) -> None:
    await ledger.intend(world.release())
    with pytest.raises(EngineError, match="in the ledger already"):
        await ledger.intend(world.release())


async def test_it_survives_pruning_and_the_loss_of_its_keeper(world: World, ledger: ShelfLedger) -> None:
    await ledger.intend(world.release())
    world.host.docker("volume", "prune", "-f", "--filter", "label=fairway.kind=keeper")
    world.host.docker("container", "prune", "-f", "--filter", "label=fairway.kind=keeper")
    assert len(await ledger.read()) == 1
    world.host.docker("rm", "-f", "fairway-keeper")
    assert len(await ledger.read()) == 1


async def test_a_record_cut_short_is_ignored(world: World, ledger: ShelfLedger, docker: Docker) -> None:
    await ledger.intend(world.release())
    await put(docker, "fairway-keeper", "/ledger", tar(f"{world.environment.key}/2.release.json", b'{"number": 2, "ap'))
    assert [record.release.number for record in await ledger.read()] == [1]
    await ledger.intend(world.release(number=2))
    assert [record.release.number for record in await ledger.read()] == [1, 2]


def tar(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as out:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        out.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


async def test_the_keeper_may_do_next_to_nothing(world: World, ledger: ShelfLedger) -> None:
    await ledger.intend(world.release())
    shown = json.loads(world.host.docker("inspect", "fairway-keeper").stdout)[0]
    limits = shown["HostConfig"]
    assert shown["State"]["Running"]
    assert (limits["NetworkMode"], limits["ReadonlyRootfs"], limits["CapDrop"]) == ("none", True, ["ALL"])
    assert limits["RestartPolicy"]["Name"] == "always"


async def phase(ledger: ShelfLedger, number: int = 1) -> int:
    """As another process reads it."""
    records = await ShelfLedger(ledger.environment, ledger.shelf).read()
    return next(record.progress.phase for record in records if record.release.number == number)


async def test_the_last_note_counts_and_goes_on_from_another_process(
    world: World, docker: Docker, ledger: ShelfLedger
) -> None:
    first, second = world.release(), world.release(number=2)
    await ledger.intend(first)
    assert await phase(ledger) == 0
    for number in (1, 2, 3):
        await ledger.note(first, Progress(phase=number, since=1.5, done=("before-web",)))
        assert await phase(ledger) == number
    await ledger.conclude(first, "promoted")
    await ledger.intend(second)
    other = ledger_on(world.environment, docker, world.image.id)
    for number in (4, 5, 6):
        await other.note(second, Progress(phase=number))
        await other.note(first, Progress(phase=number))
        assert (await phase(ledger), await phase(ledger, 2)) == (number, number)
    assert (await ledger.read())[0].outcome == "promoted"
    assert len([name for name in await ledger.shelf.files() if "progress" in name]) == 4


async def test_a_note_cut_short_leaves_the_one_before(world: World, ledger: ShelfLedger, docker: Docker) -> None:
    release = world.release()
    await ledger.intend(release)
    await ledger.note(release, Progress(phase=1))
    await ledger.note(release, Progress(phase=2))
    torn = f"{world.environment.key}/{progress_name(1, 3)}"
    for data in (b"", b'{"sequence": 3, "progress": {"phase": 3, "since": 0.'):
        await put(docker, "fairway-keeper", "/ledger", tar(torn, data))
        assert await phase(ledger) == 2
    other = ledger_on(world.environment, docker, world.image.id)
    await other.note(release, Progress(phase=4))
    assert await phase(ledger) == 4


async def test_reading_while_somebody_notes_is_never_a_step_back_and_loses_no_record(
    world: World, docker: Docker, ledger: ShelfLedger
) -> None:
    releases = [world.release(number=number) for number in range(1, 13)]
    for release in releases:
        await ledger.intend(release)
    noted = reads = 0

    async def write() -> None:
        nonlocal noted
        for noted in range(1, 121):
            await ledger.note(releases[1], Progress(phase=noted, done=("x" * (noted * 7919 % 20000),)))

    writing = asyncio.create_task(write())
    reader = ledger_on(world.environment, docker, world.image.id)
    last = 0
    while not writing.done():
        before = noted
        records = await reader.read()
        assert [record.release.number for record in records] == list(range(1, 13))
        assert records[1].progress.phase >= max(last, before - 1)
        last = records[1].progress.phase
        reads += 1
    await writing
    print(f"{reads} reads beside {noted} notes")


async def test_a_note_is_no_new_request_and_brings_a_lost_keeper_back(
    world: World, docker: Docker, ledger: ShelfLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = world.release()
    await ledger.intend(release)
    asked: list[str] = []
    ask = docker._ask

    async def spy(request: Request) -> object:
        asked.append(request.target)
        return await ask(request)

    monkeypatch.setattr(docker, "_ask", spy)
    await ledger.note(release, Progress(phase=1))
    assert asked == []
    world.host.docker("rm", "-f", "fairway-keeper")
    await ledger.note(release, Progress(phase=2))
    assert await phase(ledger) == 2
    assert json.loads(world.host.docker("inspect", "fairway-keeper").stdout)[0]["State"]["Running"]


async def test_what_cannot_be_written_is_an_error_and_leaves_what_was_there(world: World, ledger: ShelfLedger) -> None:
    release = world.release()
    await ledger.intend(release)
    await ledger.note(release, Progress(phase=1))
    folder = f"/ledger/{world.environment.key}"
    world.host.docker("exec", "fairway-keeper", "mkdir", f"{folder}/.partial.{progress_name(1, 2)}")
    with pytest.raises(EngineError, match="could not be written") as caught:
        await ledger.note(release, Progress(phase=2))
    assert "Is a directory" in caught.value.why
    assert await phase(ledger) == 1
