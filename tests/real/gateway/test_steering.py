"""Who gets the new revision: by weight, by header or cookie, by user, under a name of its own."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator

import pytest

from fairway.model.environment import Environment
from fairway.model.errors import GatewayRejected
from fairway.model.policy import Match, Mirror, Route
from fairway.model.routes import RoutedService, RoutingTable, Steering
from tests.real.gateway.place import Place
from tests.real.gateway.replicas import backend
from tests.real.gateway.users import AT_ONCE, Browser, Users

pytestmark = pytest.mark.anyio
NEW = "web-r2"


@pytest.fixture
async def users(place: Place) -> AsyncIterator[Users]:
    made = Users(place)
    yield made
    made.close()


def sure(count: int, share: float) -> float:
    """So far from `share` of `count` is what chance alone brings about once in 15,000 times."""
    return 4 * math.sqrt(count * share * (1 - share))


async def test_five_percent_of_20000_requests(place: Place, users: Users) -> None:
    old, new = await place.start("v1", "v2")
    await place.steer(old, new, 5)
    found = await users.many(20_000)
    print(f"5 % asked: {found['v2'] / 200:.2f} % of 20,000 requests")
    assert set(found) == {"v1", "v2"}
    assert abs(found["v2"] - 1000) < sure(20_000, 0.05)


MATCHED = [
    (Match(header="x-beta", value="a.b"), "X-Beta: a.b"),
    (Match(header="x-beta"), "x-beta: whatever"),
    (Match(header="x-beta"), "x-beta:"),
    (Match(header="x-beta", value=""), "x-beta:"),
    (Match(cookie="beta", value="1"), "Cookie: beta=1"),
    (Match(cookie="beta", value="1"), "Cookie: a=b; beta=1; c=d"),
    (Match(cookie="beta", value="1"), "Cookie: a=b;beta=1"),
    (Match(cookie="beta", value="a=b"), "Cookie: beta=a=b"),
    (Match(cookie="be.ta", value=".*"), "Cookie: be.ta=.*"),
    (Match(cookie="beta"), "Cookie: x=beta; beta=anything"),
]
MISSED = [
    (Match(header="x-beta", value="a.b"), "x-beta: axb"),
    (Match(header="x-beta", value="a.b"), "x-beta: a.b2"),
    (Match(header="x-beta", value="yes"), "x-beta: YES"),
    (Match(header="x-beta", value=".*"), "x-beta: yes"),
    (Match(header="x-beta"), "x-beta2: yes"),
    (Match(cookie="beta", value="1"), "Cookie: mybeta=1"),
    (Match(cookie="beta", value="1"), "Cookie: beta2=1"),
    (Match(cookie="beta", value="1"), "Cookie: beta=11"),
    (Match(cookie="beta", value="1"), "Cookie: a=beta=1"),
    (Match(cookie="be.ta", value="1"), "Cookie: be-ta=1"),
    (Match(cookie="beta", value=".*"), "Cookie: beta=1"),
    (Match(cookie="beta"), "Cookie: mybeta=1; x=beta"),
    (Match(cookie="beta"), "Set-Cookie: beta=1"),
]


async def test_requests_that_match_and_near_misses(place: Place, users: Users) -> None:
    old, new = await place.start("v1", "v2")
    for match in dict.fromkeys(match for match, _ in (*MATCHED, *MISSED)):
        await place.steer(old, new, 0, Steering(revision=NEW, match=(Match(cookie="no", value="no"), match)))
        for cases, version in ((MATCHED, "v2"), (MISSED, "v1")):
            for line in [line for one, line in cases if one == match]:
                assert (await users.ask(headers=f"{line}\r\n")).version == version, (match, line)
        assert (await users.ask()).version == "v1"


async def test_a_match_holds_whatever_the_weights_say(place: Place, users: Users) -> None:
    old, new = await place.start("v1", "v2")
    await place.steer(old, new, 50, Steering(revision=NEW, match=(Match(header="x-beta"),), sticky=NEW))
    assert await users.many(200, lambda _: ("/", "GET", "x-beta: 1\r\n")) == {"v2": 200}


async def visits(browsers: list[Browser], users: Users) -> list[str]:
    """Which version each of them gets."""
    found = [""] * len(browsers)
    left = iter(range(len(browsers)))

    async def work() -> None:
        for number in left:
            found[number] = await browsers[number].visit(users)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return found


async def test_of_1000_users_none_changes_sides_but_as_the_share_grows(place: Place, users: Users) -> None:
    old, new = await place.start("v1", "v2")
    browsers = [Browser() for _ in range(1000)]
    before = ["v1"] * 1000
    first: list[str] = []
    for share in (5, 25, 50):
        await place.steer(old, new, share, Steering(revision=NEW, sticky=NEW))
        sides = await visits(browsers, users)
        first = first or sides
        for _ in range(2):
            assert await visits(browsers, users) == sides
        assert all(now == "v2" for was, now in zip(before, sides, strict=True) if was == "v2")
        print(f"sticky {share} %: {sides.count('v2')} of 1000 users")
        assert abs(sides.count("v2") - 10 * share) < sure(1000, share / 100)
        before = sides
    await place.steer(old, new, 100, Steering(revision=NEW, sticky=NEW))
    assert set(await visits(browsers, users)) == {"v2"}
    # The next release: other users are the first.
    await place.steer(old, new, 5, Steering(revision=NEW, sticky="web-r3"))
    others = await visits(browsers, users)
    assert await visits(browsers, users) == others
    both = sum(one == other == "v2" for one, other in zip(first, others, strict=True))
    print(f"new salt: {others.count('v2')} users, {both} of them again")
    assert abs(others.count("v2") - 50) < sure(1000, 0.05)
    assert both < first.count("v2") / 2
    assert {len(browser.jar) for browser in browsers} == {1}


async def test_users_without_cookies_get_the_share_whatever_identifier_they_send(place: Place, users: Users) -> None:
    old, new = await place.start("v1", "v2")
    await place.steer(old, new, 20, Steering(revision=NEW, sticky=NEW))
    found = await users.many(4000, lambda _: ("/", "GET", "X-Request-Id: 0000-mine\r\n"))
    assert abs(found["v2"] - 800) < sure(4000, 0.2)
    head = await users.ask()
    assert head.headers["set-cookie"].endswith("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax")


async def test_the_preview_name_shows_the_new_revision_alone(place: Place, users: Users) -> None:
    old, new = await place.start("v1", "v2")
    preview = Users(place, f"preview.{place.name}")
    steering = Steering(revision=NEW, preview=preview.host)
    await place.steer(old, new, 0, steering)
    assert await preview.many(100) == {"v2": 100}
    assert await users.many(100) == {"v1": 100}
    other = place.gateway(Environment(f"{place.environment.app}-b", "test"))
    blog = RoutedService(service="blog", route=Route(hosts=(preview.host,), port=1), backends=())
    with pytest.raises(
        GatewayRejected, match=f"blog of .* and the preview of web of {place.environment} both want {preview.host}/"
    ):
        await other.apply(RoutingTable(environment=other.environment, services=(blog,)))
    # Without the new revision the preview is nobody's: the old one is not meant.
    await place.traffic.apply(place.table(place.service(backend("web-r1", old), steering=steering)))
    assert await preview.many(3) == {" 503": 3}
    assert await users.many(100) == {"v1": 100}
    preview.close()


async def test_steering_on_and_off_and_back_under_load_fails_nobody(place: Place) -> None:
    old, new = await place.start("v1", "v2")
    await place.steer(old, new)
    steerings = (
        None,
        Steering(revision=NEW, mirror=Mirror()),
        Steering(revision=NEW, mirror=Mirror(percent=25), preview=f"preview.{place.name}"),
        Steering(revision=NEW, match=(Match(header="x-beta"), Match(cookie="beta"))),
        Steering(revision=NEW, sticky=NEW),
        Steering(revision=NEW, sticky="web-r3", mirror=Mirror(methods=("GET",)), match=(Match(cookie="beta"),)),
        Steering(revision="gone-r9", sticky=NEW, mirror=Mirror(), match=(Match(header="host"),)),
    )
    with place.load(keep_alive=8, one_shot=4, slow=4, websockets=1, streams=1, pause=0.02) as load:
        for share in (0, 5, 50, 100, 25):
            for steering in steerings:
                await place.steer(old, new, share, steering)
                assert (await place.traffic.observe()) == place.table(
                    place.service(
                        backend("web-r1", old, weight=100 - share),
                        backend("web-r2", new, weight=share),
                        steering=steering,
                    )
                )
    report = load.report
    print(f"35 tables: {report.summary()}")
    assert report.failed == 0, report.summary()
    assert report.websockets.closes == report.streams.closes == {"stopped": 1}
    assert set(report.versions) == {"v1", "v2"}
