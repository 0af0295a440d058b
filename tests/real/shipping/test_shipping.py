"""An image goes from the engine that has it to others, that get what they lack."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from msgspec.structs import replace

from fairway.engines.docker.shipping import PATIENT, Carrier, Patience, Shipped, ship
from fairway.model.build import ImageRef
from fairway.model.errors import EngineError, EngineUnreachable, FairwayError, ImageNotFound
from fairway.model.events import Event, TaskEnded, TaskStarted
from fairway.net.docker import connect
from fairway.net.tls import Tls
from tests.lab import Host
from tests.real.hosts.conftest import frozen
from tests.real.shipping.conftest import CLOTH, Yard, identity
from tests.real.shipping.newer import newer
from tests.real.shipping.way import Way, way

pytestmark = pytest.mark.anyio
SMALL = 64 << 10
"""More than the descriptions of an image's layers, and less than any of them that is large."""


class Port:
    """Carriers, connected for as long as the test runs."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self.stack = stack
        self.events: list[Event] = []

    async def carrier(self, at: Host | Way, *, tls: bool = False) -> Carrier:
        host = at.host if isinstance(at, Way) else at
        url, known = (host.tls_url, Tls.of(host.tls)) if tls else (at.url, None)
        return Carrier(host.name, await self.stack.enter_async_context(connect(url, tls=known)))

    async def way(self, host: Host) -> Way:
        return await self.stack.enter_async_context(way(host))

    async def ship(
        self, image: ImageRef, source: Host | Way, *targets: Host | Way | Carrier, patience: Patience = PATIENT
    ) -> list[Shipped | FairwayError]:
        carriers = [one if isinstance(one, Carrier) else await self.carrier(one) for one in targets]
        found = await ship(image, await self.carrier(source), carriers, self.events.append, patience=patience)
        assert list(found) == [carrier.host for carrier in carriers]
        ended = [event.ok for event in self.events if isinstance(event, TaskEnded)]
        assert len(ended) == sum(isinstance(event, TaskStarted) for event in self.events)
        return list(found.values())


@pytest.fixture
async def port() -> Iterator[Port]:
    async with AsyncExitStack() as stack:
        yield Port(stack)


def shipped(result: Shipped | FairwayError) -> Shipped:
    assert isinstance(result, Shipped), f"{result!r}: {getattr(result, 'why', '')}"
    return result


def failed(result: Shipped | FairwayError) -> FairwayError:
    assert isinstance(result, FairwayError), result
    assert result.where
    assert result.why
    assert result.hint
    return result


def printed(host: Host, image: ImageRef, file: str = "top") -> str:
    return host.docker("run", "--rm", "--network=none", image.reference, "cat", f"/{file}").stdout


def unpacked(host: Host) -> list[str]:
    """What a load that did not end has left."""
    return [path.name for path in (host.directory / "data" / "tmp").glob("docker-import-*")]


async def until(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not await asyncio.to_thread(true):
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


async def test_two_hosts_side_by_side_and_again_with_another_top(port: Port, yard: Yard, three: list[Host]) -> None:
    source, one, two = three
    counted, by_tls = await port.way(one), await port.carrier(two, tls=True)

    first = yard.build("1", "first", "second", "top")
    source.docker("tag", first.id, f"{yard.name}:stable")
    for result in map(shipped, await port.ship(first, source, counted, by_tls)):
        assert (result.id, result.layers, result.there) == (first.id, 3, 1)
        assert 2 * CLOTH < result.sent < 2 * CLOTH + SMALL
    for host in (one, two):
        assert printed(host, first) == yard.top()
        assert identity(host, f"{yard.name}:stable") == first.id

    second = yard.build("2", "first", "second", "top")
    assert second.id != first.id
    before = counted.sent
    for result in map(shipped, await port.ship(second, source, counted, by_tls)):
        assert (result.id, result.layers, result.there) == (second.id, 1, 3)
        assert result.sent < SMALL
    assert counted.sent - before < SMALL + 4096
    for host in (one, two):
        assert printed(host, second) == yard.top()
        assert identity(host, f"{yard.name}:stable") == first.id

    source.docker("tag", second.id, f"{yard.name}:stable")
    for result in map(shipped, await port.ship(second, source, one, two)):
        assert (result.id, result.sent, result.layers, result.there) == (second.id, 0, 0, 4)
    for host in (one, two):
        assert identity(host, f"{yard.name}:stable") == second.id
    details = [event.detail for event in port.events if isinstance(event, TaskEnded)]
    assert details[0].endswith(" MiB, 3 of 4 layers")
    assert details[-1] == "it was there"


async def test_each_gets_what_it_lacks(port: Port, yard: Yard, three: list[Host]) -> None:
    """The layer `first` is in it twice, with one file for both: who has it in one place only needs the file."""
    source, one, two = three
    shipped((await port.ship(yard.build("0", "first", "second"), source, one))[0])
    image = yard.build("1", "first", "second", "first", "third", "top")
    layers = source.docker("image", "inspect", "--format", '{{join .RootFS.Layers " "}}', image.id).stdout.split()
    assert layers[1] == layers[3]
    some, few, all_of_it = map(shipped, await port.ship(image, source, one, two, source))
    assert (some.layers, some.there) == (4, 2)
    assert 2 * CLOTH < some.sent < 2 * CLOTH + SMALL
    assert (few.layers, few.there) == (5, 1)
    assert 3 * CLOTH < few.sent < 3 * CLOTH + SMALL
    assert (all_of_it.layers, all_of_it.there, all_of_it.sent) == (0, 6, 0)
    for host in (one, two):
        assert printed(host, image) == yard.top()


async def test_a_full_disk_is_told_of_one_host_alone(
    port: Port, yard: Yard, three: list[Host], small_host: Host
) -> None:
    image = yard.build("1", "first", "top")
    full, well = await port.ship(image, three[0], small_host, three[1])
    assert shipped(well).layers == 2
    error = failed(full)
    assert isinstance(error, EngineError)
    assert error.where == small_host.name
    assert "no space left on device" in error.why
    assert error.hint.startswith("the host's disk is full")
    assert not unpacked(small_host)
    assert small_host.docker("images", "--all", "--quiet").stdout == ""


async def test_a_host_that_dies_in_the_middle(
    port: Port, yard: Yard, three: list[Host], make_host: Callable[[], Host]
) -> None:
    mortal, image = make_host(), yard.build("1", "first", "top")
    source = await port.way(three[0])
    source.hold(received=20 << 20)
    sending = asyncio.ensure_future(port.ship(image, source, mortal, three[1], three[2]))
    await source.reached.wait()
    await until(lambda: bool(unpacked(mortal)))
    await asyncio.to_thread(mortal.stop)
    source.go.set()
    dead, *well = await sending
    assert [shipped(result).layers for result in well] == [2, 2]
    assert isinstance(failed(dead), EngineUnreachable)
    assert failed(dead).where == mortal.name
    await asyncio.to_thread(mortal.start)
    assert mortal.docker("images", "--all", "--quiet").stdout == ""
    (again,) = await port.ship(image, three[0], mortal)
    assert (shipped(again).layers, shipped(again).there) == (3, 0)
    assert printed(mortal, image) == yard.top()

    for host in three[1:]:
        host.docker("rmi", image.reference)
    source = await port.way(mortal)
    source.hold(received=20 << 20)
    sending = asyncio.ensure_future(port.ship(image, source, *three[1:]))
    await source.reached.wait()
    await asyncio.to_thread(mortal.stop)
    source.go.set()
    for result in await sending:
        assert isinstance(failed(result), EngineError)
        assert failed(result).where == mortal.name
    assert not any(identity(host, image.id) for host in three[1:])


async def test_cancelled_in_the_middle(port: Port, yard: Yard, three: list[Host]) -> None:
    source, one, two = await port.way(three[0]), await port.way(three[1]), await port.way(three[2])
    image = yard.build("1", "first", "second", "top")
    source.hold(received=4 << 20)
    sending = asyncio.ensure_future(port.ship(image, source, one, two))
    await source.reached.wait()
    await until(lambda: all(map(unpacked, three[1:])))
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert [event.ok for event in port.events if isinstance(event, TaskEnded)] == [False, False]
    await until(lambda: not any(map(unpacked, three[1:])))
    assert not any(identity(host, image.id) for host in three[1:])
    source.go.set()
    for result in await port.ship(image, three[0], one, two):
        assert shipped(result).layers == 3


async def test_a_slow_host_keeps_nobody_waiting_and_is_served_later(port: Port, yard: Yard, three: list[Host]) -> None:
    source, one, two = three
    image, slow = yard.build("1", "first", "second", "third", "top"), await port.way(one)
    slow.hold(sent=1 << 19)
    sending = asyncio.ensure_future(port.ship(image, source, slow, two, patience=Patience(behind=1.0)))
    await slow.reached.wait()
    await until(lambda: bool(identity(two, image.reference)))
    slow.go.set()
    late, well = await sending
    assert shipped(well).sent < 3 * CLOTH + SMALL
    assert shipped(late).sent > 3 * CLOTH + (1 << 19)


@pytest.mark.parametrize("containerd", ["", "sha256:" + "c" * 64])
async def test_from_an_engine_that_lays_it_out_as_blobs(
    port: Port, yard: Yard, three: list[Host], containerd: str
) -> None:
    """One that keeps images in containerd, under another id, sends all of it."""
    source, one, _ = three
    image = yard.build("1", "first", "top")
    docker = (await port.carrier(source)).docker
    with tempfile.TemporaryDirectory() as directory:
        url = await port.stack.enter_async_context(newer(docker, Path(directory), image.id, containerd))
        new = Carrier("new", await port.stack.enter_async_context(connect(url)))
        asked = replace(image, id=containerd or image.id)
        (result,) = (await ship(asked, new, [await port.carrier(one)], port.events.append)).values()
    assert shipped(result).id == image.id == identity(one, image.reference)
    assert (shipped(result).layers, shipped(result).there) == ((3, 0) if containerd else (2, 1))
    assert shipped(result).sent > 10 * CLOTH if containerd else shipped(result).sent < CLOTH + SMALL
    assert printed(one, image) == yard.top()


async def test_layers_that_go_away_meanwhile_are_sent_after_all(port: Port, yard: Yard, three: list[Host]) -> None:
    source, one, _ = three
    below = yard.build("0", "first")
    shipped((await port.ship(below, source, one))[0])
    image, held = yard.build("1", "first", "top"), await port.way(source)
    connected = await port.carrier(held)
    held.hold(received=1 << 20)
    sending = asyncio.ensure_future(ship(image, connected, [await port.carrier(one)], port.events.append))
    await held.reached.wait()
    one.docker("rmi", below.reference)
    held.go.set()
    (result,) = (await sending).values()
    assert (shipped(result).layers, shipped(result).there) == (3, 0)
    assert printed(one, image) == yard.top()


async def test_an_engine_that_hangs_at_first_keeps_nobody_waiting(port: Port, yard: Yard, three: list[Host]) -> None:
    source, one, two = three
    image, connected = yard.build("1", "top"), await port.carrier(two)
    with frozen(two):
        sending = asyncio.ensure_future(port.ship(image, source, one, connected, patience=Patience(behind=1.0)))
        await until(lambda: bool(identity(one, image.reference)))
        assert not sending.done()
    for result in await sending:
        assert shipped(result).layers == 1


async def test_no_targets(port: Port, yard: Yard, three: list[Host]) -> None:
    assert await port.ship(yard.build("1", "top"), three[0]) == []


async def test_an_image_that_is_not_there(port: Port, three: list[Host]) -> None:
    with pytest.raises(ImageNotFound, match="no image nowhere:1 to be sent"):
        await port.ship(ImageRef(reference="nowhere:1"), three[0], three[1])
    assert port.events == []
