"""Replicas that fail in the middle: what is tried again, what is not, and who is left out."""

from __future__ import annotations

import asyncio
import json

import pytest

from fairway.gateway.container import NAME
from fairway.model.routes import Endpoint
from tests.real.gateway.place import Place
from tests.real.gateway.replicas import backend
from tests.real.gateway.users import Users

pytestmark = pytest.mark.anyio


def inside(place: Place, *curl: str) -> str:
    """What curl prints in the gateway's container."""
    return place.host.docker("exec", NAME, "curl", "-s", "-g", *curl).stdout


def seen(place: Place, endpoint: Endpoint) -> dict[str, int]:
    found: dict[str, int] = json.loads(inside(place, f"http://{endpoint.address}:{endpoint.port}/seen"))
    return found


def left_out(place: Place, endpoint: Endpoint) -> bool:
    flags = inside(place, "--unix-socket", "/run/fairway/admin.sock", "http://envoy/clusters")
    [line] = [line for line in flags.splitlines() if f"{endpoint.address}:{endpoint.port}::health_flags" in line]
    return "failed_outlier_check" in line


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_what_a_replica_has_read_is_never_sent_again(place: Place, method: str) -> None:
    two = await place.start("v1", "v2")
    await place.traffic.apply(place.table(place.service(backend("web-r1", *two))))
    users = Users(place)
    for _ in range(10):
        assert (await users.ask("/reset", method, body=b"pay 5" if method == "POST" else b"")).status == 503
    assert sum(seen(place, endpoint)[f"{method} /reset"] for endpoint in two) == 10
    users.close()


async def test_a_replica_that_refuses_connections_is_left_out_and_comes_back(place: Place) -> None:
    refuses, stays = await place.start("v1", "v2")
    await place.traffic.apply(place.table(place.service(backend("web-r1", refuses, stays))))
    out = False
    with place.load(keep_alive=8, one_shot=8, slow=0, websockets=0, streams=0, pause=0.02) as load:
        await asyncio.sleep(0.5)
        assert await place.traffic.probe(refuses, "/deaf?s=4") == 200
        for _ in range(35):
            out = out or left_out(place, refuses)
            await asyncio.sleep(0.1)
        for _ in range(300):
            if not left_out(place, refuses):
                break
            await asyncio.sleep(0.1)
        await place.until_up(refuses)
        before = seen(place, refuses)["GET /up"]
        await asyncio.sleep(1)
        after = seen(place, refuses)["GET /up"]
    report = load.report
    print(f"one of two replicas refuses for 4 s: {report.summary()}")
    assert report.failed == 0, report.summary()
    assert out
    assert after > before
