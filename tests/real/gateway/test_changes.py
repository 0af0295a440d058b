"""Changes of the routes under load: no request may notice one."""

from __future__ import annotations

import asyncio
import os

import pytest
from msgspec.structs import replace

from fairway.conduct.drain import drained
from fairway.model.policy import Ready
from fairway.model.routes import Endpoint, RoutedService
from tests.load.report import Report
from tests.real.gateway.place import Place
from tests.real.gateway.replicas import backend

pytestmark = pytest.mark.anyio
MANY = int(os.environ.get("FAIRWAY_CHANGES", "6"))


def none_failed(report: Report) -> None:
    assert report.failed == 0, report.summary()


def never_interrupted(report: Report) -> None:
    """One WebSocket and one event stream, from the beginning to the end."""
    none_failed(report)
    assert (report.websockets.opened, report.websockets.closes, report.websockets.lost) == (1, {"stopped": 1}, 0)
    assert (report.streams.opened, report.streams.closes) == (1, {"stopped": 1})


def gone(endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    return tuple(replace(endpoint, draining=True) for endpoint in endpoints)


async def roll(
    place: Place, stays: RoutedService, count: int, old: tuple[Endpoint, ...], new: tuple[Endpoint, ...]
) -> None:
    """One whole rollout, from `web-r{count}` on `old` to the next revision on `new`: five tables, and a drain."""
    now, then = f"web-r{count}", f"web-r{count + 1}"

    async def apply(*backends: tuple[str, tuple[Endpoint, ...], int]) -> None:
        web = [backend(name, *endpoints, weight=weight) for name, endpoints, weight in backends]
        await place.traffic.apply(place.table(place.service(*web), stays))

    await apply((now, old, 100), (then, new, 0))
    await apply((now, old, 50), (then, new, 50))
    await apply((now, old, 0), (then, new, 100))
    await apply((now, gone(old), 0), (then, new, 100))
    assert await drained(place.traffic, old, 10) == 0
    await apply((then, new, 100))


async def test_many_rollouts_lose_no_request_and_leave_other_services_alone(place: Place) -> None:
    a, b, c, d, e = await place.start("v1", "v1", "v2", "v2", "live")
    stays = place.service(backend("live-r1", e), name="live")
    await place.traffic.apply(place.table(place.service(backend("web-r0", a, b)), stays))
    web = place.load(keep_alive=8, one_shot=4, slow=4, websockets=0, streams=0, pause=0.02)
    live = place.load("live", keep_alive=2, one_shot=0, slow=0)
    with live, web:
        for count in range(MANY):
            old, new = ((a, b), (c, d)) if count % 2 == 0 else ((c, d), (a, b))
            await roll(place, stays, count, old, new)
    print(f"{MANY} rollouts of 5 changes: {web.report.summary()}")
    none_failed(web.report)
    assert set(web.report.versions) == {"v1", "v2"}
    never_interrupted(live.report)


@pytest.mark.parametrize("ready", [Ready(), Ready(http="/up")], ids=["unchecked", "checked"])
async def test_replicas_come_and_go_and_no_request_in_flight_is_cut(place: Place, ready: Ready) -> None:
    stays, comes = await place.start("v1", "v1")
    both = place.table(place.service(backend("web-r1", stays, comes), ready=ready))
    await place.traffic.apply(both)
    # Half of the streams are on the replica that goes: they too are to live on while it drains.
    with place.load(keep_alive=4, one_shot=2, slow=8, websockets=4, streams=4, pause=0.02) as load:
        for _ in range(4):
            leaving = backend("web-r1", stays, replace(comes, draining=True))
            await place.traffic.apply(place.table(place.service(leaving, ready=ready)))
            await place.traffic.apply(place.table(place.service(backend("web-r1", stays), ready=ready)))
            await place.traffic.apply(both)
    none_failed(load.report)
    assert load.report.websockets.closes == load.report.streams.closes == {"stopped": 4}


async def test_a_replica_that_closes_idle_connections_causes_no_failure(place: Place) -> None:
    """It does so after a second. It stands still in that moment, so that what the gateway sends into a kept connection arrives
    together with its end: had the gateway not closed first, these requests would be lost.
    """
    hasty = await place.replicas.start("v1", "1")
    await place.until_up(hasty)
    await place.traffic.apply(place.table(place.service(backend("web-r1", hasty))))
    for _ in range(2):
        asked = [place.get("/slow?s=0.05") for _ in range(40)]
        assert await asyncio.gather(*asked) == [(200, "v1")] * 40
        await asyncio.sleep(0.7)
        place.host.docker("pause", place.replicas.ids[hasty])
        waiting = [asyncio.create_task(place.get()) for _ in range(40)]
        await asyncio.sleep(0.6)
        place.host.docker("unpause", place.replicas.ids[hasty])
        assert await asyncio.gather(*waiting) == [(200, "v1")] * 40
