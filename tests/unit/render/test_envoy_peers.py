"""The hop between gateways, as Envoy is told it; and that a single host's configuration knows nothing of it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairway.model.peers import Peer
from fairway.model.policy import Ready
from fairway.model.routes import Backend, RoutingTable
from fairway.render.envoy import clusters, discovery, read_tables, route_file, routes
from fairway.render.envoy_clusters import cluster_name
from fairway.render.envoy_listener import bootstrap
from fairway.render.envoy_peers import CHECK, UNSENT, WANTED, offered, peers_listener, server_name
from tests.unit.render.envoy_tables import backend, endpoint, routed, table, tables
from tests.unit.render.test_envoy import EXAMPLES, targets

WEB2 = Peer(host="web-2", address="10.1.0.2", replicas=3)
WEB3 = Peer(host="web-3", address="10.1.0.3", replicas=1)
NAME = "shop-production.web-r1.web-r1000000"


def placed(*endpoints: int, remote: tuple[Peer, ...] = (WEB2,), weight: int = 100) -> Backend:
    return replace(backend("web-r1", *map(endpoint, endpoints), weight=weight), remote=remote)


def on_host(*backends: Backend, ready: Ready | None = None) -> RoutingTable:
    return replace(table(routed("web", *backends, ready=ready)), host="web-1")


def points(cluster: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    return found


@EXAMPLES
@given(tables())
def test_a_single_host_is_told_nothing_of_others(found: RoutingTable) -> None:
    words = (server_name("x")[-5:], "peer", "remote", "transport_socket", "load_balancing_weight", UNSENT, '"host":""')
    texts = [json.dumps(list(clusters([found]).values())), json.dumps(routes([found]), separators=(",", ":"))]
    texts.append(json.dumps(bootstrap("/etc", "/run/admin.sock")))
    assert [word for word in words if any(word in text for text in texts)] == []


@EXAMPLES
@given(tables(), st.sampled_from(((), (WEB2,), (WEB2, WEB3))))
def test_a_table_with_other_hosts_is_read_back_and_all_its_clusters_are_there(
    found: RoutingTable, remote: tuple[Peer, ...]
) -> None:
    services = tuple(
        replace(one, backends=tuple(replace(item, remote=remote) for item in one.backends)) for one in found.services
    )
    found = replace(found, services=services, host="web-1")
    assert read_tables(route_file([found]).body.encode()) == {found.environment.key: found}
    made = clusters([found])
    for host in routes([found])["virtual_hosts"]:
        for route in host["routes"]:
            assert all(points(made[name]) for name in targets(route))


def test_another_host_is_one_endpoint_that_weighs_as_much_as_its_replicas() -> None:
    made = clusters([on_host(placed(1, 2, remote=(WEB2, WEB3)))])[NAME]
    assert [point.get("load_balancing_weight", 1) for point in points(made)] == [1, 1, 3, 1]
    assert points(made)[2]["endpoint"]["address"] == {
        "socket_address": {"address": "10.1.0.2", "port_value": 9443},
    }


def test_a_host_without_a_replica_of_it_is_left_out_and_where_all_are_nobody_answers() -> None:
    none = on_host(placed(remote=(replace(WEB2, replicas=0),)))
    assert points(clusters([none])[NAME]) == []
    assert routes([none])["virtual_hosts"][0]["routes"][0]["direct_response"]["status"] == 503
    elsewhere = on_host(placed(remote=(WEB2,)))
    assert routes([elsewhere])["virtual_hosts"][0]["routes"][0]["route"]["cluster"] == NAME


def test_own_replicas_are_asked_in_plain_text_and_each_other_host_has_to_be_who_it_is() -> None:
    made = clusters([on_host(placed(1, remote=(WEB2, WEB3)))])[NAME]
    local, *remote = points(made)
    assert "metadata" not in local
    matches = {match["name"]: match for match in made["transport_socket_matches"]}
    for point, host in zip(remote, ("web-2", "web-3"), strict=True):
        assert point["metadata"]["filter_metadata"]["envoy.transport_socket_match"] == matches[host]["match"]
        tls = matches[host]["transport_socket"]["typed_config"]
        assert tls["sni"] == server_name(NAME)
        assert json.dumps(tls).count(f'{{"exact": "spiffe://fairway/gateway/{host}"}}') == 1


def test_what_others_may_ask_for_has_this_hosts_replicas_alone_so_that_nothing_hops_twice() -> None:
    made = clusters([on_host(placed(1, 2))])
    assert sorted(made) == sorted([NAME, offered(NAME)])
    own = made[offered(NAME)]
    assert [point["endpoint"]["address"]["socket_address"]["address"] for point in points(own)] == [
        "10.0.0.1",
        "10.0.0.2",
    ]
    assert "transport_socket_matches" not in own
    assert own["load_assignment"]["cluster_name"] == own["name"]


def test_only_a_host_with_open_replicas_offers_any() -> None:
    gone = replace(placed(), endpoints=(endpoint(1, draining=True),))
    assert list(clusters([on_host(gone)])) == list(clusters([on_host(placed())])) == [NAME]


def test_names_that_differ_only_in_capitals_are_asked_for_by_different_names() -> None:
    assert server_name("shop.Web-r1") != server_name("shop.web-r1")
    assert server_name("shop.Web-r1").islower()
    assert len(server_name("x" * 400)) < 200


def test_without_a_ready_path_only_the_other_gateway_is_checked_and_soon() -> None:
    made = clusters([on_host(placed(1))])[NAME]
    local, remote = points(made)
    assert local["endpoint"]["health_check_config"] == {"disable_active_health_check": True}
    assert "health_check_config" not in remote["endpoint"]
    [check] = made["health_checks"]
    [header] = check["http_health_check"]["request_headers_to_add"]
    assert header["header"]["key"] == CHECK
    waits = [float(check[name][:-1]) for name in ("interval", "timeout", "unhealthy_interval", "timeout")]
    assert (sum(waits), check["unhealthy_threshold"]) == (2.15, 2)


def test_with_a_ready_path_replicas_are_asked_wherever_they_are() -> None:
    made = clusters([on_host(placed(1), ready=Ready(http="/up", port=9000))])[NAME]
    local, remote = points(made)
    assert local["endpoint"]["health_check_config"] == {"port_value": 9000}
    assert "health_check_config" not in remote["endpoint"]
    assert made["health_checks"][0]["http_health_check"]["path"] == "/up"
    assert made["common_lb_config"] == {"healthy_panic_threshold": {"value": 30}}


def test_a_request_that_reached_no_replica_there_is_tried_again_from_here_and_only_from_here() -> None:
    [route] = routes([on_host(placed(1))])["virtual_hosts"][0]["routes"][:1]
    retry = route["route"]["retry_policy"]
    assert retry["retriable_headers"] == [{"name": UNSENT, "present_match": True}]
    assert retry["num_retries"] == 2
    assert "retry" not in json.dumps(peers_listener("/etc/fairway"))


def test_users_headers_never_say_where_a_request_goes() -> None:
    found = routes([on_host(placed(1))])
    assert found["request_headers_to_remove"] == [WANTED, CHECK]
    assert found["response_headers_to_remove"] == [UNSENT]
    listener = json.dumps(peers_listener("/etc/fairway"))
    assert '"OVERWRITE_IF_EXISTS_OR_ADD"' in listener
    assert "peer.%REQUESTED_SERVER_NAME%" in listener


def test_the_listener_for_peers_wants_a_gateways_certificate_and_the_newest_tls() -> None:
    connections, requests = peers_listener("/etc/fairway")["filter_chains"]
    assert connections["transport_socket"] == requests["transport_socket"]
    tls = requests["transport_socket"]["typed_config"]
    assert tls["require_client_certificate"] is True
    context = tls["common_tls_context"]
    assert context["tls_params"]["tls_minimum_protocol_version"] == "TLSv1_3"
    [name] = context["combined_validation_context"]["default_validation_context"]["match_typed_subject_alt_names"]
    assert name == {"san_type": "URI", "matcher": {"prefix": "spiffe://fairway/gateway/"}}


def test_the_listener_for_peers_does_not_depend_on_any_table() -> None:
    one = discovery([peers_listener("/etc/fairway")])
    assert one == discovery([peers_listener("/etc/fairway")])
    assert cluster_name(table().environment, placed(1)) not in one.body
