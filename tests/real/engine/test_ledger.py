"""The ledger survives the deployer, restarts, and whoever prunes the host."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile

import aiodocker
import pytest

from fairway.engines.docker.ledger import DockerLedger
from fairway.engines.docker.ledger_codec import progress_name
from fairway.engines.docker.put import put
from fairway.engines.docker.shelf import DockerShelf
from fairway.model.app import Service
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.model.release import Progress, promoted, under_way
from tests.real.engine.conftest import World

pytestmark = pytest.mark.anyio


def ledger_on(environment: Environment, docker: aiodocker.Docker, image: str) -> DockerLedger:
    return DockerLedger(environment, DockerShelf(environment.key, docker, image, host="web-1"))


def shelf(ledger: DockerLedger) -> DockerShelf:
    assert isinstance(ledger.shelf, DockerShelf)
    return ledger.shelf


@pytest.fixture
def ledger(world: World, docker: aiodocker.Docker) -> DockerLedger:
    return ledger_on(world.environment, docker, world.image.id)


async def test_reading_where_nothing_was_deployed_makes_nothing(
    world: World, docker: aiodocker.Docker, ledger: DockerLedger
) -> None:
    world.host.docker("rm", "-f", "fairway-keeper", check=False)
    world.host.docker("volume", "rm", "fairway-ledger", check=False)
    assert await ledger.read() == ()
    assert "fairway-ledger" not in world.host.docker("volume", "ls", "-q").stdout


async def test_what_was_intended_and_what_became_of_it(world: World, ledger: DockerLedger) -> None:
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
    assert await ledger_on(world.environment, shelf(ledger).docker, world.image.id).read() == (one, two)


async def test_a_number_is_used_once(world: World, ledger: DockerLedger) -> None:
    await ledger.intend(world.release())
    with pytest.raises(EngineError, match="in the ledger already"):
        await ledger.intend(world.release())


async def test_it_survives_pruning_and_the_loss_of_its_keeper(world: World, ledger: DockerLedger) -> None:
    await ledger.intend(world.release())
    world.host.docker("volume", "prune", "-f", "--filter", "label=fairway.kind=keeper")
    world.host.docker("container", "prune", "-f", "--filter", "label=fairway.kind=keeper")
    assert len(await ledger.read()) == 1
    world.host.docker("rm", "-f", "fairway-keeper")
    assert len(await ledger.read()) == 1


async def test_a_record_cut_short_is_ignored(world: World, ledger: DockerLedger, docker: aiodocker.Docker) -> None:
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


async def test_the_keeper_may_do_next_to_nothing(world: World, ledger: DockerLedger) -> None:
    await ledger.intend(world.release())
    shown = json.loads(world.host.docker("inspect", "fairway-keeper").stdout)[0]
    limits = shown["HostConfig"]
    assert shown["State"]["Running"]
    assert (limits["NetworkMode"], limits["ReadonlyRootfs"], limits["CapDrop"]) == ("none", True, ["ALL"])
    assert limits["RestartPolicy"]["Name"] == "always"


async def phase(ledger: DockerLedger, number: int = 1) -> int:
    """As another process reads it."""
    records = await ledger_on(ledger.environment, shelf(ledger).docker, shelf(ledger).image).read()
    return next(record.progress.phase for record in records if record.release.number == number)


async def test_the_last_note_counts_and_goes_on_from_another_process(world: World, ledger: DockerLedger) -> None:
    first, second = world.release(), world.release(number=2)
    await ledger.intend(first)
    assert await phase(ledger) == 0
    for number in (1, 2, 3):
        await ledger.note(first, Progress(phase=number, since=1.5, done=("before-web",)))
        assert await phase(ledger) == number
    await ledger.conclude(first, "promoted")
    await ledger.intend(second)
    other = ledger_on(world.environment, shelf(ledger).docker, world.image.id)
    for number in (4, 5, 6):
        await other.note(second, Progress(phase=number))
        await other.note(first, Progress(phase=number))
        assert (await phase(ledger), await phase(ledger, 2)) == (number, number)
    assert (await ledger.read())[0].outcome == "promoted"
    assert len([name for name in await ledger.shelf.files() if "progress" in name]) == 4


async def test_a_note_cut_short_leaves_the_one_before(
    world: World, ledger: DockerLedger, docker: aiodocker.Docker
) -> None:
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
    world: World, ledger: DockerLedger
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
    reader = ledger_on(world.environment, shelf(ledger).docker, world.image.id)
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


async def test_a_note_is_one_request_and_brings_a_lost_keeper_back(
    world: World, ledger: DockerLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = world.release()
    await ledger.intend(release)
    asked: list[str] = []
    query = shelf(ledger).docker._query

    def spy(path: str, *arguments: object, **more: object) -> object:
        asked.append(path)
        return query(path, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(shelf(ledger).docker, "_query", spy)
    await ledger.note(release, Progress(phase=1))
    assert asked == ["containers/fairway-keeper/archive"]
    world.host.docker("rm", "-f", "fairway-keeper")
    await ledger.note(release, Progress(phase=2))
    assert await phase(ledger) == 2
    assert json.loads(world.host.docker("inspect", "fairway-keeper").stdout)[0]["State"]["Running"]
