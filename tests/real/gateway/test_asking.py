"""What the gateway is asked during a rollout: whether a replica answers, and what it still serves."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from tests.load.http import Connection
from tests.load.options import Options
from tests.load.websocket import WebSocket
from tests.real.gateway.place import Place
from tests.real.gateway.replicas import backend

pytestmark = pytest.mark.anyio


async def test_a_probe_gives_the_status_or_none(place: Place) -> None:
    [endpoint] = await place.start("v1")
    probe = place.traffic.probe
    assert await probe(endpoint, "/up") == 200
    assert await probe(endpoint, "error", host="shop.test") == 500
    assert await probe(replace(endpoint, port=1), "/up") is None
    assert await probe(replace(endpoint, address=f"{place.replicas.subnet}.99"), "/up", timeout=0.2) is None
    await place.replicas.stop(endpoint)
    assert await probe(endpoint, "/up", timeout=0.2) is None


async def test_a_replica_that_hangs_holds_nobody_up(place: Place) -> None:
    hangs, answers = await place.start("v1", "v2")
    waiting = [asyncio.create_task(place.traffic.probe(hangs, "/hang", timeout=5)) for _ in range(5)]
    await asyncio.sleep(0.05)
    assert await asyncio.gather(*(place.traffic.probe(answers, "/up") for _ in range(20))) == [200] * 20
    await place.traffic.apply(place.table(place.service(backend("web-r1", answers))))
    assert not any(task.done() for task in waiting)
    assert await place.traffic.probe(hangs, "/hang", timeout=0.2) is None
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_requests_and_streams_in_flight_are_counted_exactly(place: Place) -> None:
    old, new = await place.start("v1", "v2")
    await place.traffic.apply(place.table(place.service(backend("web-r1", old))))
    options = Options(**place.options())
    await asyncio.gather(*(place.get("/up") for _ in range(20)))  # idle connections, which are not to be counted
    slow = [asyncio.create_task(place.get("/slow?s=1.5")) for _ in range(5)]
    sockets = [await WebSocket.open(options) for _ in range(3)]
    stream = await Connection.open(options)
    await stream.ask("/events")
    gone = replace(old, draining=True)
    backends = (backend("web-r1", gone, weight=0), backend("web-r2", new))
    await place.traffic.apply(place.table(place.service(*backends)))
    assert await place.traffic.in_flight([gone]) == 9
    assert await asyncio.gather(*slow) == [(200, "v1")] * 5
    assert await place.traffic.in_flight([gone]) == 4
    assert all([await socket.echo("still here") for socket in sockets])
    for open_still in (*(socket.connection for socket in sockets), stream):
        open_still.close()
    await asyncio.sleep(0.2)
    assert await place.traffic.in_flight([gone]) == 0
    assert await place.traffic.in_flight([]) == 0
    assert await place.get() == (200, "v2")


async def test_a_dead_replica_fails_nobody_while_another_lives(place: Place) -> None:
    dies, lives = await place.start("v1", "v2")
    await place.traffic.apply(place.table(place.service(backend("web-r1", dies, lives))))
    assert await place.traffic.probe(dies, "/die") is None
    with place.load(keep_alive=8, one_shot=4, slow=0, websockets=0, streams=0) as load:
        await asyncio.sleep(1)
    assert load.report.failed == 0, load.report.summary()
    assert set(load.report.versions) == {"v2"}


async def test_users_are_told_nothing_of_the_inside_when_nobody_answers(place: Place) -> None:
    [endpoint] = await place.start("v1")
    assert await place.get() == (404, "No application answers at this address.\n")
    await place.traffic.apply(place.table(place.service(backend("web-r1", endpoint, weight=0))))
    assert await place.get() == (503, "The application cannot answer at the moment.\n")
    await place.replicas.stop(endpoint)
    await place.traffic.apply(place.table(place.service(backend("web-r1", endpoint))))
    assert await place.get() == (503, "The application cannot answer at the moment.\n")
