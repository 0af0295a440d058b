"""TLS for users: the listener that never changes, and the routes that the gateway answers itself."""

from __future__ import annotations

import json

from fairway.model.edge import EdgeRoutes
from fairway.model.environment import Environment
from fairway.model.policy import Route
from fairway.model.routes import Backend, Endpoint, RoutedService, RoutingTable
from fairway.render.envoy import read_tables, route_file, routes
from fairway.render.envoy_edge import ROOM, edge_listener
from fairway.render.envoy_listener import listener


def table(app: str, host: str, edge: EdgeRoutes | None = None) -> RoutingTable:
    backend = Backend(revision="web-r1", digest="sha256:1", endpoints=(Endpoint("10.0.0.2", 80),), weight=100)
    service = RoutedService(service="web", route=Route(hosts=(host,), port=80), backends=(backend,))
    return RoutingTable(environment=Environment(app, "production"), services=(service,), edge=edge)


def by_host(*tables: RoutingTable) -> dict[str, list[str]]:
    """What each host has, as the names of its routes in their order."""
    return {one["name"]: [route["name"] for route in one["routes"]] for one in routes(tables)["virtual_hosts"]}


def test_users_of_tls_get_what_users_of_plain_http_get() -> None:
    plain, tls = listener("/d", 80), edge_listener("/d", 443)
    assert tls["filter_chains"][0]["filters"] == plain["filter_chains"][0]["filters"]
    context = tls["filter_chains"][0]["transport_socket"]["typed_config"]["common_tls_context"]
    assert len(context["tls_certificate_sds_secret_configs"]) == ROOM
    assert context["tls_params"]["tls_minimum_protocol_version"] == "TLSv1_2"


def test_only_environments_that_say_so_send_their_users_to_tls() -> None:
    found = by_host(table("shop", "shop.test", EdgeRoutes(redirect=443)), table("blog", "blog.test"))
    assert found["shop.test"] == ["shop-production.web.https", "shop-production.web", "none"][:2]
    assert found["blog.test"] == ["blog-production.web"]


def test_names_that_are_still_to_get_a_certificate_are_answered_in_plain_http() -> None:
    found = by_host(table("shop", "shop.test", EdgeRoutes(redirect=443, plain=("shop.test",))))
    assert found["shop.test"] == ["shop-production.web"]


def test_the_usual_port_is_not_named() -> None:
    for port, more in ((443, {}), (8443, {"port_redirect": 8443})):
        [first, *_] = routes([table("shop", "shop.test", EdgeRoutes(redirect=port))])["virtual_hosts"][0]["routes"]
        assert first["redirect"] == {"https_redirect": True, "response_code": "PERMANENT_REDIRECT", **more}


def test_challenges_are_answered_at_every_host_before_anything_else() -> None:
    asked = RoutingTable(environment=Environment("new", "production"), edge=EdgeRoutes(challenges={"t": "t.print"}))
    found = by_host(table("shop", "shop.test", EdgeRoutes(redirect=443)), asked)
    assert {host: names[0] for host, names in found.items()} == {"shop.test": "challenge", "*": "challenge"}
    assert read_tables(route_file([asked]).body.encode()) == {"new-production": asked}


def test_without_tls_nothing_is_said_of_it() -> None:
    assert "edge" not in json.dumps(routes([table("shop", "shop.test")]))
