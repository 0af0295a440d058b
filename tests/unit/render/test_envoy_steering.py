"""Who goes to the new revision, from the steering: looked up in the routes as Envoy looks them up."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st
from msgspec.structs import replace

from fairway.model.errors import GatewayRejected
from fairway.model.policy import Match, Mirror
from fairway.model.routes import RoutedService, Steering
from fairway.render.envoy import clusters, routes
from tests.unit.render.envoy_tables import backend, endpoint, routed, steerings, table

EXAMPLES = run(max_examples=int(os.environ.get("FAIRWAY_EXAMPLES", "100")), deadline=None)
OLD, NEW = "web-r1", "web-r2"
numbers = st.integers(0, 0xFFFF).map(lambda number: f"{number:04x}")
shares = st.integers(1, 99)


def two(steering: Steering, share: int = 0) -> RoutedService:
    """The old revision is first in the table, as it is when the new one comes."""
    return routed(
        "web",
        backend(OLD, endpoint(1), weight=100 - share),
        backend(NEW, endpoint(2), weight=share),
        steering=steering,
    )


def routes_of(service: RoutedService, host: str = "shop.test") -> list[dict[str, Any]]:
    return next(found["routes"] for found in routes([table(service)])["virtual_hosts"] if found["name"] == host)


def fits(matcher: dict[str, Any], value: str | None) -> bool:
    if value is None and not matcher.get("treat_missing_header_as_empty"):
        return bool(matcher.get("invert_match")) and "present_match" in matcher
    value = value or ""
    text = matcher.get("string_match", {})
    if "exact" in text:
        found = value == text["exact"]
    elif "contains" in text:
        found = text["contains"] in value.lower()
    elif "safe_regex" in text:
        found = bool(re.fullmatch(text["safe_regex"]["regex"], value))
    else:
        found = bool(matcher["present_match"])
    return found != matcher.get("invert_match", False)


def taken(service: RoutedService, *, draw: float = 0.999, cookies: dict[str, str] | None = None, **headers: str) -> Any:
    """The first route that fits; `draw` is Envoy's dice."""
    given_ = {":method": "GET", **{name.replace("_", "-"): value for name, value in headers.items()}}
    for route in routes_of(service):
        match = route["match"]
        part = match.get("runtime_fraction", {}).get("default_value", {"numerator": 1_000_000})
        if (
            all(fits(one, given_.get(one["name"])) for one in match.get("headers", []))
            and all(
                one["name"] in (cookies or {}) and fits(one, (cookies or {})[one["name"]])
                for one in match.get("cookies", [])
            )
            and draw < part["numerator"] / 1_000_000
        ):
            return route
    raise AssertionError("no route, not even the last")


def revision(route: dict[str, Any]) -> str | None:
    """Where it leads, if to one place."""
    return route["route"]["cluster"].split(".")[1] if "cluster" in route.get("route", {}) else None


def jar(route: dict[str, Any], number: str) -> dict[str, str]:
    """What a browser keeps of the answer."""
    [added] = route["response_headers_to_add"]
    name, _, value = added["header"]["value"].partition(";")[0].partition("=")
    return {name: value.replace("%REQ(X-REQUEST-ID):4%", number)}


@EXAMPLES
@given(st.data())
def test_the_last_route_takes_everything_and_copies_go_only_where_others_answer(data: st.DataObject) -> None:
    steering = data.draw(steerings([OLD, NEW], "preview.test"))
    service = two(steering, data.draw(st.sampled_from((0, 5, 100))))
    found = routes_of(service)
    assert found[-1]["match"] == {"prefix": "/"}
    assert sum(route["match"] == {"prefix": "/"} for route in found) == 1
    for route in found:
        for policy in route["route"].get("request_mirror_policies", []):
            assert policy["cluster"].split(".")[1] == steering.revision
            assert policy["cluster"] not in str({**route["route"], "request_mirror_policies": []})


@pytest.mark.parametrize(
    ("match", "yes", "no"),
    [
        (Match(header="x-beta", value="a.b"), {"x_beta": "a.b"}, ({"x_beta": "axb"}, {"x_beta": "a.b,c"}, {})),
        (Match(header="x-beta"), {"x_beta": ""}, ({"x_bet": "1"}, {})),
        (Match(cookie="beta", value="a|b"), {"cookies": {"beta": "a|b"}}, ({"cookies": {"beta": "a"}}, {})),
        (Match(cookie="beta"), {"cookies": {"beta": "x"}}, ({"cookies": {"mybeta": "x"}}, {})),
    ],
)
def test_requests_that_match_go_to_the_new_revision_and_near_misses_do_not(
    match: Match, yes: dict[str, Any], no: tuple[dict[str, Any], ...]
) -> None:
    service = two(Steering(revision=NEW, match=(Match(header="other"), match)))
    assert revision(taken(service, **yes)) == NEW
    assert [revision(taken(service, **each)) for each in no] == [OLD] * len(no)


@EXAMPLES
@given(numbers, st.lists(shares, min_size=2, max_size=2).map(sorted), st.sampled_from(("/", "/shop")))
def test_a_user_keeps_to_one_side_and_a_share_that_grows_takes_nobody_back(
    number: str, asked: list[int], path: str
) -> None:
    small, large = (two(Steering(revision=NEW, sticky="web-r2"), share) for share in asked)
    first = taken(small, x_request_id=f"{number}aaaa-bbbb")
    cookies = jar(first, number)
    again = taken(small, cookies=cookies, x_request_id="ffff0000-cccc")
    assert revision(first) == revision(again) == (NEW if int(number, 16) < round(0x10000 * asked[0] / 100) else OLD)
    assert "response_headers_to_add" not in again
    later = revision(taken(large, cookies=cookies, x_request_id="ffff0000-cccc"))
    assert (revision(again), later) in {(OLD, OLD), (OLD, NEW), (NEW, NEW)}


@pytest.mark.parametrize("share", [1, 5, 25, 50, 99])
def test_the_share_of_the_numbers_is_the_share(share: int) -> None:
    routes_ = routes_of(two(Steering(revision=NEW, sticky="web-r2"), share))
    regex = routes_[0]["match"]["cookies"][0]["string_match"]["safe_regex"]["regex"]
    prefix = regex.partition("\\.")[0]
    mine = [number for number in range(0x10000) if re.fullmatch(regex, f"{prefix}.{number:04x}")]
    assert mine == list(range(round(0x10000 * share / 100)))


def test_a_share_too_small_for_any_number_is_nobodys() -> None:
    both = (backend(OLD, endpoint(1), weight=999_999), backend(NEW, endpoint(2), weight=1))
    service = routed("web", *both, steering=Steering(revision=NEW, sticky="web-r2"))
    assert revision(taken(service, x_request_id="0000")) == OLD


def test_another_salt_makes_another_draw_in_the_same_cookie() -> None:
    one, other = (two(Steering(revision=NEW, sticky=salt), 50) for salt in ("web-r2", "web-r3"))
    cookies = jar(taken(one, x_request_id="0000"), "0000")
    redrawn = taken(other, cookies=cookies, x_request_id="ffff")
    assert revision(redrawn) == OLD
    assert jar(redrawn, "ffff").keys() == cookies.keys()


def test_a_cookie_that_is_not_ours_is_as_good_as_none() -> None:
    service = two(Steering(revision=NEW, sticky="web-r2"), 50)
    name, value = next(iter(jar(taken(service, x_request_id="0000"), "0000").items()))
    for wrong in ("", value[:-1], f"{value}0", value.replace("0000", "zzzz"), "0000"):
        assert "response_headers_to_add" in taken(service, cookies={name: wrong}, x_request_id="ffff")
    assert revision(taken(service, cookies={name: value}, x_request_id="ffff")) == NEW


def test_the_cookie_is_short_lived_and_nobody_elses_business() -> None:
    [added] = taken(two(Steering(revision=NEW, sticky="a; b=c"), 5), x_request_id="0000")["response_headers_to_add"]
    name, *attributes = added["header"]["value"].split("; ")
    assert re.fullmatch(r"fairway-[0-9a-f]{8}=[0-9a-f]{8}\.%REQ\(X-REQUEST-ID\):4%", name)
    assert sorted(attributes) == ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=Lax"]


def test_everybody_on_one_side_needs_no_cookie() -> None:
    for share in (0, 100):
        assert len(routes_of(two(Steering(revision=NEW, sticky="web-r2"), share))) == 1


def test_only_these_methods_are_copied_and_nothing_that_never_ends() -> None:
    service = two(Steering(revision=NEW, mirror=Mirror(percent=12.5, methods=("GET", "REPORT"))))
    for method, length in (("GET", {}), ("GET", {"content_length": "0"}), ("REPORT", {"content_length": "99999"})):
        [policy] = taken(service, **{":method": method, **length})["route"]["request_mirror_policies"]
        assert policy["runtime_fraction"]["default_value"] == {"numerator": 125_000, "denominator": "MILLION"}
    for headers in (
        {":method": "POST"},
        {":method": "GETS"},
        {":method": "GET", "content_length": "100000"},
        {":method": "GET", "transfer_encoding": "chunked"},
        {":method": "REPORT"},
        {"upgrade": "websocket"},
        {"accept": "Text/Event-Stream, */*"},
    ):
        assert "request_mirror_policies" not in taken(service, **headers)["route"]
    assert "request_mirror_policies" in taken(service, accept="text/html")["route"]


@EXAMPLES
@given(shares, st.booleans())
def test_with_weights_only_what_the_old_one_answers_is_copied(share: int, sticky: bool) -> None:
    service = two(Steering(revision=NEW, mirror=Mirror(), sticky="web-r2" if sticky else ""), share)
    below, above = (share / 100 - 0.001, share / 100 + 0.001)
    for draw, expected in ((below, NEW), (above, OLD)):
        route = taken(service, draw=draw, x_request_id=f"{int(draw * 0x10000):04x}")
        assert revision(route) == expected
        assert ("request_mirror_policies" in route["route"]) == (expected == OLD)


@pytest.mark.parametrize("case", ["no backend", "no endpoints", "draining"])
def test_a_steering_that_leads_nowhere_steers_nobody(case: str) -> None:
    steering = Steering(revision=NEW, match=(Match(header="x"),), mirror=Mirror(), sticky="s", preview="p.test")
    gone = {"no endpoints": (), "draining": (endpoint(2, draining=True),)}.get(case, (endpoint(2),))
    both = (backend(OLD, endpoint(1), weight=95), backend(NEW, *gone, weight=5))
    service = routed("web", *(both[:1] if case == "no backend" else both), steering=steering)
    [only] = routes_of(service)
    assert revision(only) == OLD
    assert "request_mirror_policies" not in only["route"]
    [nobody] = [route for route in routes_of(service, "p.test") if route["name"].endswith("preview")]
    assert nobody["direct_response"]["status"] == 503


def test_the_preview_is_a_place_like_others() -> None:
    steering = Steering(revision=NEW, preview="Next.test")
    service = replace(two(steering), route=replace(two(steering).route, path="/shop"))
    mine, rest = routes_of(service, "next.test")
    assert (revision(mine), mine["match"]) == (NEW, {"path_separated_prefix": "/shop"})
    assert rest["direct_response"]["status"] == 404
    other = table(routed("posts", backend("posts-r1", endpoint(9)), hosts=("next.test",), path="/shop"), app="blog")
    with pytest.raises(
        GatewayRejected,
        match=r"posts of blog production and the preview of web of shop production both want next\.test/shop",
    ):
        routes([table(service), other])


def test_every_lane_has_the_routes_limits_and_its_users_no_breaker() -> None:
    steering = Steering(revision=NEW, match=(Match(header="x"),), mirror=Mirror(), sticky="s", preview="p.test")
    service = two(steering, 5)
    service = replace(service, route=replace(service.route, timeout=1.5, retries=1))
    for route in (*routes_of(service), routes_of(service, "p.test")[0]):
        assert (route["route"]["timeout"], route["route"]["retry_policy"]["num_retries"]) == ("1.5s", 1)
        assert route["route"]["priority"] == "HIGH"
    for made in clusters([table(service)]).values():
        copies, users = made["circuit_breakers"]["thresholds"]
        assert copies["max_requests"] < 1000 < users["max_requests"]
        assert (copies["priority"], users["priority"]) == ("DEFAULT", "HIGH")
