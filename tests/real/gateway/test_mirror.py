"""Copies of requests for the new revision: whatever becomes of them, no user notices."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator

import pytest

from fairway.gateway.container import NAME
from fairway.model.policy import Mirror
from fairway.model.release import Revision
from fairway.model.routes import Steering
from fairway.render.envoy_clusters import COPIES
from tests.load.options import Options
from tests.load.websocket import WebSocket
from tests.real.gateway.place import Place
from tests.real.gateway.replicas import backend
from tests.real.gateway.users import Users

pytestmark = pytest.mark.anyio
SLOW = ("3600", "2")
NEW = Revision("web", 2, backend("web-r2").digest)


def shadow(percent: float = 100.0, methods: tuple[str, ...] = ("GET", "HEAD")) -> Steering:
    return Steering(revision="web-r2", mirror=Mirror(percent=percent, methods=methods), preview="preview.test")


async def settled(place: Place) -> dict[str, int]:
    """The counters of the new revision, once no copy is under way."""
    before: dict[str, int] = {}
    for _ in range(200):
        now = dict((await place.traffic.counts([NEW]))["web-r2"].counters)
        if now == before and count(place, "upstream_rq_active") == 0:
            return now
        before = now
        await asyncio.sleep(0.3)
    raise AssertionError(f"copies are sent without an end: {now}")


def count(place: Place, name: str) -> int:
    """What Envoy itself says of the new revision."""
    [stat] = json.loads(_admin(place, f"stats?format=json&filter=web-r2[.][^.]*[.]{name}$"))["stats"]
    return int(stat["value"])


def _admin(place: Place, path: str) -> str:
    """Without curl's own meaning of brackets."""
    asked = ("curl", "-sg", "--unix-socket", "/run/fairway/admin.sock", f"http://e/{path}")
    return place.host.docker("exec", NAME, *asked).stdout


def memory(place: Place) -> int:
    """Megabytes that the gateway's Envoy has allocated."""
    return int(json.loads(_admin(place, "memory"))["allocated"]) // 1_000_000


async def test_a_share_of_the_requests_is_copied_and_says_so(place: Place) -> None:
    old, new = await place.start("v1", "v2")
    await place.steer(old, new, 0, shadow(25))
    users, preview = Users(place), Users(place, "preview.test")
    assert await users.many(4000) == {"v1": 4000}
    counters = await settled(place)
    copies = counters["upstream_rq_2xx"]
    print(f"25 % asked: {copies / 40:.2f} % of 4,000 requests copied")
    assert abs(copies - 1000) < 4 * math.sqrt(4000 * 0.25 * 0.75)
    assert await preview.seen() == {"GET / copied": copies}
    assert await users.seen() == {"GET /": 4000}


async def test_only_these_methods_are_copied_and_no_streams(place: Place) -> None:
    old, new = await place.start("v1", "v2")
    await place.steer(old, new, 0, shadow())
    users, preview = Users(place), Users(place, "preview.test")
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert (await users.ask("/", method, body=b"buy" if method in ("POST", "PUT") else b"")).version == "v1"
    socket = await WebSocket.open(Options(**place.options()))
    assert await socket.echo("hello")
    socket.connection.close()
    await users.ask(headers="Accept: text/event-stream\r\n")
    await settled(place)
    assert await preview.seen() == {"GET / copied": 1, "HEAD / copied": 1}
    await place.steer(old, new, 0, shadow(methods=("POST",)))
    await users.ask("/pay", "POST", body=b"x" * 90_000)
    await users.ask("/pay")
    await settled(place)
    assert (await preview.seen())["POST /pay copied"] == 1
    assert "GET /pay copied" not in await preview.seen()
    users.close()


async def test_with_weights_the_new_revision_gets_no_copies_of_its_own(place: Place) -> None:
    old, new = await place.start("v1", "v2")
    users, preview = Users(place), Users(place, "preview.test")
    total = 0
    for sticky in ("", "web-r2"):
        steering = Steering(revision="web-r2", mirror=Mirror(), preview="preview.test", sticky=sticky)
        await place.steer(old, new, 20, steering)
        found = await users.many(2000)
        assert set(found) == {"v1", "v2"}
        assert abs(found["v2"] - 400) < 4 * math.sqrt(2000 * 0.2 * 0.8)
        await settled(place)
        seen = await preview.seen()
        total += found["v1"]
        assert seen["GET / copied"] == total
        await settled(place)
    assert sum((await preview.seen()).values()) == 4000


@pytest.mark.parametrize("kind", ["fast", "slow", "failing", "dead"])
async def test_whatever_becomes_of_the_copies_no_user_notices(place: Place, kind: str) -> None:
    [old] = await place.start("v1")
    new = await place.replicas.start("v2", *(SLOW if kind == "slow" else ()))
    await place.until_up(new)
    if kind == "dead":
        await place.replicas.stop(new)
    path = "/error" if kind == "failing" else "/"
    await place.steer(old, new)
    options = {"keep_alive": 8, "one_shot": 4, "slow": 0, "websockets": 0, "streams": 0, "pause": 0.01, "path": "/"}
    with place.load(**options) as plain:
        await asyncio.sleep(3)
    await place.steer(old, new, 0, shadow())
    with place.load(**options) as mirrored:
        await asyncio.sleep(3)
        if kind == "failing":
            users = Users(place)
            assert await users.many(200, lambda _: (path, "GET", "")) == {"v1 500": 200}
    for report, what in ((plain.report, "without"), (mirrored.report, f"{kind} mirror")):
        times = report.latency["keep-alive"]
        print(f"{what}: {report.requests} requests, p50 {times.p50} ms, p99 {times.p99} ms")
        assert report.failed == 0, report.summary()
        assert set(report.versions) == {"v1"}


async def test_a_mirror_that_reads_nothing_holds_nobody_up(place: Place) -> None:
    """What is too long to be kept for it is not copied."""
    [old] = await place.start("v1")
    stuck = await place.replicas.start("v2", "3600", "3600")
    await place.until_up(stuck)
    await place.steer(old, stuck, 0, shadow(methods=("POST",)))
    users = Users(place)
    before = memory(place)
    for size, count in ((90_000, 1000), (8_000_000, 20)):
        body = b"x" * size
        left = iter(range(count))

        async def work(body: bytes = body, left: Iterator[int] = left) -> None:
            for _ in left:
                assert (await users.ask("/", "POST", body=body)).version == "v1"

        await asyncio.gather(*(work() for _ in range(8)))
        print(
            f"{count} bodies of {size} bytes beside a mirror that reads nothing: {before} MB, then {memory(place)} MB"
        )
    counters = (await place.traffic.counts([NEW]))["web-r2"].counters
    assert counters["upstream_rq_total"] == COPIES
    assert counters.get("upstream_rq_5xx", 0) == 0
    users.close()


async def test_copies_are_limited_and_what_is_dropped_is_nobodys_error(place: Place) -> None:
    """Users of the same revision are not limited. On a busy machine a connection may not come in time: then Envoy fails all that wait."""
    [old] = await place.start("v1")
    new = await place.replicas.start("v2", "3600", "5")
    await place.until_up(new)
    await place.steer(old, new, 0, shadow())
    users, preview = Users(place), Users(place, "preview.test")
    assert await users.many(4 * COPIES) == {"v1": 4 * COPIES}
    asked = asyncio.gather(*(preview.ask("/mine") for _ in range(20)))
    assert {head.status for head in await asked} == {200}
    counters = await settled(place)
    copies = counters["upstream_rq_2xx"] - 20
    dropped, unconnected = count(place, "upstream_rq_pending_overflow"), counters.get("upstream_rq_5xx", 0)
    print(
        f"of {4 * COPIES} copies for a revision that takes 5 s: {copies} sent, {dropped} dropped, {unconnected} without a connection"
    )
    assert copies >= COPIES
    assert dropped > 0
    assert copies + dropped + unconnected <= 4 * COPIES, "what was dropped is no error"
    users.close()
    preview.close()
