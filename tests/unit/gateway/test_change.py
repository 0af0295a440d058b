"""A change from any table to any other: what is pushed first, and that every state in between serves."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as run
from msgspec.structs import replace

from fairway.gateway import script
from fairway.gateway.change import Live, change
from fairway.model.errors import GatewayError
from fairway.model.routes import Endpoint, RoutingTable
from fairway.render.envoy import Discovery, cluster_file, clusters, discovery, listeners, read_clusters, route_file
from fairway.render.envoy_clusters import COPIES, NO_LIMIT
from fairway.render.envoy_listener import listener
from tests.unit.render.envoy_tables import backend, endpoint, routed, table, tables

EXAMPLES = run(max_examples=int(os.environ.get("FAIRWAY_EXAMPLES", "100")), deadline=None)
BASE = [listener("/etc/fairway", 80)]
BLOG = table(routed("posts", backend("posts-r1", endpoint(9)), hosts=("blog.test",)), app="blog")


def live(*tables_: RoutingTable) -> Live:
    """A gateway that was told these; a table without services leaves no trace."""
    found = [t for t in tables_ if t.services]
    files = (cluster_file(clusters(found)), route_file(found), discovery(listeners(BASE, found)))
    return Live.read(*(file.body.encode() for file in files))


def addresses(cluster: dict[str, Any]) -> set[str]:
    points = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    return {point["endpoint"]["address"]["socket_address"]["address"] for point in points}


def in_file(pushed: Discovery | None, otherwise: Live) -> dict[str, set[str]]:
    """Addresses by cluster: what the file says, or what is live where it is not pushed."""
    found = read_clusters(pushed.body.encode()) if pushed else dict(otherwise.clusters)
    return {name: addresses(cluster) for name, cluster in found.items()}


def used(file: str) -> set[str]:
    """The clusters that a route file sends requests, or copies of them, to."""
    return {
        name
        for host in json.loads(file)["resources"][0]["virtual_hosts"]
        for route in host["routes"]
        for to in [route.get("route", {})]
        for name in [
            to.get("cluster"),
            *(c["name"] for c in to.get("weighted_clusters", {}).get("clusters", [])),
            *(policy["cluster"] for policy in to.get("request_mirror_policies", [])),
        ]
        if name
    }


@EXAMPLES
@given(tables())
def test_the_same_table_again_is_no_change(one: RoutingTable) -> None:
    assert change(live(one, BLOG), one).empty


@EXAMPLES
@given(tables(), tables())
def test_grow_adds_then_shrink_removes(old: RoutingTable, new: RoutingTable) -> None:
    now = live(old, BLOG)
    planned = change(now, new)
    before, wanted = in_file(None, now), in_file(cluster_file(clusters([new, BLOG])), now)
    grown = in_file(planned.grow, now)
    assert set(grown) == set(before) | set(wanted)
    for name, points in grown.items():
        assert points >= before.get(name, set()) | wanted.get(name, set()) or planned.route is None
    final = in_file(planned.shrink, now) if planned.shrink else grown
    assert final == wanted


@EXAMPLES
@given(tables(), tables())
def test_neither_the_old_nor_the_new_routes_ever_miss_a_cluster(old: RoutingTable, new: RoutingTable) -> None:
    now = live(old, BLOG)
    planned = change(now, new)
    grown = set(in_file(planned.grow, now))
    after = planned.route.body if planned.route else route_file([old, BLOG]).body
    assert used(route_file([old, BLOG]).body) <= grown
    assert used(after) <= grown
    assert used(after) <= (set(in_file(planned.shrink, now)) if planned.shrink else grown)


@EXAMPLES
@given(tables(), tables())
def test_afterwards_it_is_what_a_fresh_gateway_would_have_been_told(old: RoutingTable, new: RoutingTable) -> None:
    then = change(live(old, BLOG), new).then
    fresh = live(new, BLOG)
    assert then == fresh
    assert change(then, new).empty


def test_the_first_table_grows_and_routes_and_shrinks_nothing() -> None:
    planned = change(live(BLOG), table(routed("web", backend("web-r1", endpoint(1)))))
    assert planned.grow
    assert planned.route
    assert planned.shrink is None


def test_a_table_without_services_leaves_nothing_behind() -> None:
    planned = change(live(table(routed("web", backend("web-r1", endpoint(1)))), BLOG), table())
    assert planned.grow is None
    assert planned.then == live(BLOG)


def test_an_endpoint_that_drains_leaves_its_cluster_last() -> None:
    web = routed("web", backend("web-r1", endpoint(1), endpoint(2)))
    planned = change(live(table(web)), table(routed("web", backend("web-r1", endpoint(1), endpoint(2, draining=True)))))
    assert planned.grow is None
    assert in_file(planned.shrink, live())["shop-production.web-r1.web-r1000000"] == {"10.0.0.1"}


def test_limits_are_lifted_before_the_routes_change_and_set_after() -> None:
    """As a gateway has them that an older Fairway has told."""
    one, other = (table(routed("web", backend("web-r1", endpoint(1)), path=path)) for path in ("/", "/shop"))
    now = live(one)
    limits = {"thresholds": [{"max_requests": 7}]}
    old = replace(now, clusters={name: {**made, "circuit_breakers": limits} for name, made in now.clusters.items()})
    planned = change(old, other)
    assert planned.grow
    assert planned.shrink
    between, final = (read_clusters(file.body.encode()) for file in (planned.grow, planned.shrink))
    [free] = [made["circuit_breakers"]["thresholds"] for made in between.values()]
    assert [(of["priority"], of["max_requests"]) for of in free] == [("DEFAULT", NO_LIMIT), ("HIGH", NO_LIMIT)]
    [meant] = [made["circuit_breakers"]["thresholds"] for made in final.values()]
    assert [(of["priority"], of["max_requests"]) for of in meant] == [("DEFAULT", COPIES), ("HIGH", NO_LIMIT)]


def test_a_place_that_another_environment_has_is_refused() -> None:
    with pytest.raises(
        GatewayError, match=r"posts of blog production and web of shop production both want blog\.test/"
    ):
        change(live(BLOG), table(routed("web", hosts=("blog.test",))))


def test_the_files_go_in_order_and_only_over_what_was_read() -> None:
    now = live(table(routed("web", backend("web-r1", endpoint(1)))))
    planned = change(now, table(routed("web", backend("web-r2", endpoint(2)))))
    text = script.transaction(now, planned)
    assert planned.grow
    assert planned.route
    assert planned.shrink
    order = [
        text.index(mark) for mark in (f"has cds {now.cluster_version}", planned.grow.version, planned.route.version)
    ]
    assert order == sorted(order)
    assert text.index(planned.shrink.version) > order[-1]


def test_connections_are_looked_for_as_the_kernel_writes_them() -> None:
    assert "' 0B004D0A:1F40 0[12] '" in script.connections([Endpoint("10.77.0.11", 8000)])


def test_a_probe_is_one_word_to_the_shell() -> None:
    text = script.probe(Endpoint("10.0.0.1", 80), "up?a=$(id)&b='", "a b;c", 1.5)
    assert "'http://10.0.0.1:80/up?a=$(id)&b='\"'\"''" in text
    assert "-H 'Host: a b;c'" in text


def test_listeners_are_looked_for_as_the_kernel_writes_them() -> None:
    assert "':1F90 0+:0000 0A '" in script.listening(8080)
