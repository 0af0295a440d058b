"""What Envoy is told, from routing tables. FAIRWAY_EXAMPLES says how many are tried (default 200)."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from fairway.model.errors import GatewayError
from fairway.model.policy import Ready
from fairway.model.routes import RoutedService, RoutingTable
from fairway.render.envoy import (
    cluster_file,
    clusters,
    read_clusters,
    read_tables,
    read_version,
    route_file,
    routes,
)
from tests.unit.render.envoy_tables import PATHS, backend, endpoint, routed, table, tables

EXAMPLES = run(max_examples=int(os.environ.get("FAIRWAY_EXAMPLES", "100")), deadline=None)
two = st.tuples(tables("shop"), tables("blog", anywhere=False))


def targets(route: dict[str, Any]) -> dict[str, int]:
    """Weights by cluster, without copies; none where Envoy answers by itself."""
    to = route.get("route", {})
    if "cluster" in to:
        return {to["cluster"]: 1}
    return {item["name"]: item["weight"] for item in to.get("weighted_clusters", {}).get("clusters", [])}


def copied(route: dict[str, Any]) -> list[str]:
    return [policy["cluster"] for policy in route.get("route", {}).get("request_mirror_policies", [])]


def able(service: RoutedService) -> list[int]:
    """The weights of the backends that can have traffic."""
    return [b.weight for b in service.backends if b.weight and not all(e.draining for e in b.endpoints)]


def answering(hosts: list[dict[str, Any]], host: str, path: str) -> str:
    """The name of the route that Envoy takes: the domain, else any, and there the first prefix that fits."""
    by_domain = {item["domains"][0]: item["routes"] for item in hosts}
    for route in by_domain.get(host, by_domain["*"]):
        match = route["match"]
        start = match.get("path_separated_prefix")
        if "prefix" in match or path == start or path.startswith(f"{start}/"):
            return str(route["name"])
    raise AssertionError("no route, not even the last")


def meant(found: tuple[RoutingTable, ...], host: str, path: str) -> set[str]:
    """By the words of the settings: the host's own services before those of any host, and of them the longest path."""
    for claimed in (host, "*"):
        fits = [
            (len(start), f"{t.environment.key}.{service.service}")
            for t in found
            for service in t.services
            if claimed in [name.lower() for name in service.route.hosts]
            and (start := service.route.path.rstrip("/")) is not None
            and (path == start or path.startswith(f"{start}/"))
        ]
        if fits:
            return {max(fits)[1]}
    return {"none"}


@EXAMPLES
@given(two)
def test_every_cluster_that_a_route_names_is_there_and_has_an_endpoint(found: tuple[RoutingTable, ...]) -> None:
    made = clusters(found)
    for host in routes(found)["virtual_hosts"]:
        for route in host["routes"]:
            for name in (*targets(route), *copied(route)):
                assert made[name]["load_assignment"]["endpoints"][0]["lb_endpoints"]


@EXAMPLES
@given(two)
def test_a_route_has_the_weights_of_its_revisions_and_leaves_out_those_without(found: tuple[RoutingTable, ...]) -> None:
    wanted = {f"{t.environment.key}.{one.service}": able(one) for t in found for one in t.services if not one.steering}
    for host in routes(found)["virtual_hosts"]:
        for route in host["routes"]:
            weights = list(targets(route).values())
            if (expected := wanted.get(route["name"])) is not None:
                assert weights == (expected if len(expected) != 1 else [1])
            assert ("direct_response" in route) == (not weights)


@EXAMPLES
@given(two)
def test_no_domain_comes_twice_and_one_takes_whatever_is_left(found: tuple[RoutingTable, ...]) -> None:
    hosts = routes(found)["virtual_hosts"]
    domains = [domain for host in hosts for domain in host["domains"]]
    assert len(domains) == len(set(domains))
    assert domains[-1] == "*"
    assert all(host["routes"][-1]["match"] == {"prefix": "/"} for host in hosts)


@EXAMPLES
@given(two, st.sampled_from(("a.shop.test", "b.shop.test", "a.blog.test", "else.test")))
def test_a_request_goes_where_the_settings_say(found: tuple[RoutingTable, ...], host: str) -> None:
    hosts = routes(found)["virtual_hosts"]
    for path in (*PATHS, "/api/x", "/api/v2/x", "/apix", "/shop/x", "/other"):
        assert answering(hosts, host, path) in meant(found, host, path)


@EXAMPLES
@given(two)
def test_files_do_not_depend_on_the_order_of_the_tables(found: tuple[RoutingTable, ...]) -> None:
    assert route_file(found) == route_file(found[::-1])
    assert cluster_file(clusters(found)) == cluster_file(clusters(found[::-1]))


@EXAMPLES
@given(two)
def test_what_was_written_is_read_back(found: tuple[RoutingTable, ...]) -> None:
    written = route_file(found)
    assert read_tables(written.body.encode()) == {t.environment.key: t for t in found}
    assert read_version(written.body.encode()) == written.version
    made = clusters(found)
    assert read_clusters(cluster_file(made).body.encode()) == made


def test_what_a_file_does_not_say_is_the_default() -> None:
    """Files from before there was such a thing are read."""
    plain = table(routed("web", backend("web-r1")))
    text = route_file([plain]).body
    assert "steering" not in text and "agreed" not in text
    assert read_tables(text.encode())[plain.environment.key].services[0].steering is None


@EXAMPLES
@given(two, two)
def test_one_version_is_one_content(one: tuple[RoutingTable, ...], other: tuple[RoutingTable, ...]) -> None:
    assert (route_file(one).version == route_file(other).version) == (route_file(one).body == route_file(other).body)


@EXAMPLES
@given(tables("shop"), tables("blog", anywhere=False))
def test_another_environment_changes_no_cluster_and_no_host_of_this_one(one: RoutingTable, other: RoutingTable) -> None:
    alone, both = clusters([one]), clusters([one, other])
    assert {name: both[name] for name in alone} == alone
    together = {host["name"]: host for host in routes([one, other])["virtual_hosts"]}
    assert all(together[host["name"]] == host for host in routes([one])["virtual_hosts"])


@EXAMPLES
@given(two)
def test_a_draining_endpoint_is_in_no_cluster(found: tuple[RoutingTable, ...]) -> None:
    made = clusters(found)
    for t in found:
        for service in t.services:
            for item in service.backends:
                body = json.dumps(made[f"{t.environment.key}.{item.revision}.{item.digest[7:19]}"])
                assert all((f'"{e.address}"' in body) == (not e.draining) for e in item.endpoints)


def test_two_environments_that_want_one_place_are_told_of_each_other() -> None:
    shop = table(routed("web", hosts=("shop.test",), path="/cart"))
    blog = table(routed("posts", hosts=("SHOP.test",), path="/cart/"), app="blog")
    with pytest.raises(
        GatewayError, match=r"posts of blog production and web of shop production both want shop.test/cart"
    ) as error:
        routes([shop, blog])
    assert "another host or path" in error.value.hint


def test_two_services_of_one_environment_may_not_want_one_place_either() -> None:
    both = table(routed("web", hosts=("*",)), routed("api", hosts=("*",)))
    with pytest.raises(GatewayError, match="web of shop production and api of shop production both want any host/"):
        routes([both])


def test_one_place_named_twice_by_one_service_is_no_conflict() -> None:
    domains = [host["name"] for host in routes([table(routed("web", hosts=("a.test", "A.test")))])["virtual_hosts"]]
    assert domains == ["a.test", "*"]


def test_a_service_without_traffic_says_so_and_a_host_without_a_service_too() -> None:
    hosts = routes([table(routed("web", backend("web-r1", endpoint(1), weight=0)))])["virtual_hosts"]
    assert [host["routes"][0]["direct_response"]["status"] for host in hosts] == [503, 404]


def test_replicas_are_checked_as_ready_says() -> None:
    ready = Ready(http="/up", port=9000, status=204)
    [made] = clusters(
        [table(routed("web", backend("web-r1", endpoint(1)), ready=ready, hosts=("*.a.test", "a.test")))]
    ).values()
    check = made["health_checks"][0]["http_health_check"]
    assert check["expected_statuses"] == [{"start": 204, "end": 205}]
    assert (check["path"], check["host"]) == ("/up", "a.test")
    [point] = made["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert point["endpoint"]["health_check_config"] == {"port_value": 9000}


def test_a_cluster_is_named_after_environment_revision_and_digest() -> None:
    one = table(routed("web", backend("web-r1", endpoint(1))))
    assert list(clusters([one])) == ["shop-production.web-r1.web-r1000000"]
