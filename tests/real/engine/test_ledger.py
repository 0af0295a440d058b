"""The ledger survives the deployer, restarts, and whoever prunes the host."""

from __future__ import annotations

import io
import json
import tarfile

import aiodocker
import pytest

from fairway.engines.docker.ledger import DockerLedger
from fairway.engines.docker.put import put
from fairway.model.app import Service
from fairway.model.errors import EngineError
from fairway.model.release import promoted, under_way
from tests.real.engine.conftest import World

pytestmark = pytest.mark.anyio


@pytest.fixture
def ledger(world: World, docker: aiodocker.Docker) -> DockerLedger:
    return DockerLedger(world.environment, docker, world.image.id, host="web-1")


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
    assert await DockerLedger(world.environment, ledger.docker, world.image.id).read() == (one, two)


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
