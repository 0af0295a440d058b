"""What a gateway is told of the names of services: shares, endpoints, and what never changes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairway.model.environment import Environment
from fairway.model.peers import Peer
from fairway.model.policy import Route
from fairway.model.routes import Backend, RoutedService, RoutingTable
from fairway.render.envoy import clusters, listeners
from fairway.render.envoy_tcp import WHOLE, listener, pipe
from fairway.render.envoy_tcp import clusters as of_names
from tests.unit.render.envoy_tables import backend, endpoint, table, tables
from tests.unit.render.test_envoy import EXAMPLES

ENVIRONMENT = Environment("shop", "production")
ROUTE = Route(hosts=(), port=6379, names=(6379,))
WEB2, WEB3 = (Peer(host=f"web-{n}", address=f"10.1.0.{n}") for n in (2, 3))


def service(*backends: Backend, route: Route = ROUTE, name: str = "db") -> RoutedService:
    return RoutedService(service=name, route=route, backends=backends)


def revision(number: int, weight: int, *endpoints: Any, there: int = 0, elsewhere: int = 0) -> Backend:
    remote = tuple(replace(peer, replicas=count) for peer, count in ((WEB2, there), (WEB3, elsewhere)))
    return replace(backend(f"db-r{number}", *endpoints, weight=weight), remote=remote)


def weights(cluster: dict[str, Any]) -> dict[str, int]:
    """By address, of which each is there once."""
    points = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    found = {
        point["endpoint"]["address"]["socket_address"]["address"]: point["load_balancing_weight"] for point in points
    }
    assert len(found) == len(points)
    return found


def named(*backends: Backend) -> list[dict[str, int]]:
    """The weights in the cluster of the name, and in the one for other hosts."""
    return [weights(cluster) for cluster in of_names(ENVIRONMENT, service(*backends))]


_revisions = st.lists(
    st.tuples(st.integers(0, 100), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), max_size=3
).map(
    lambda drawn: [
        revision(n, weight, *(endpoint(10 * n + i) for i in range(own)), there=there, elsewhere=elsewhere)
        for n, (weight, own, there, elsewhere) in enumerate(drawn, 1)
    ]
)


@EXAMPLES
@given(_revisions)
def test_each_revision_gets_its_weight_and_each_of_its_replicas_the_same(revisions: list[Backend]) -> None:
    found, *offered = named(*revisions)
    counts = {b.revision: len(b.endpoints) + sum(peer.replicas for peer in b.remote) for b in revisions}
    served = [b for b in revisions if b.weight and counts[b.revision]]
    total = sum(b.weight for b in served)
    wanted: dict[str, Fraction] = {}
    for each in served:
        part = Fraction(each.weight, total * counts[each.revision])
        for point in each.endpoints:
            wanted[point.address] = part
        for peer in (peer for peer in each.remote if peer.replicas):
            wanted[peer.address] = wanted.get(peer.address, Fraction(0)) + part * peer.replicas
    assert set(found) == set(wanted)
    assert all(abs(found[address] - WHOLE * share) <= 1 for address, share in wanted.items())
    own = {point.address for each in served for point in each.endpoints}
    if own:
        assert offered == [{address: found[address] for address in own}]
    else:
        assert bool(offered) == any(each.endpoints for each in revisions)


def test_another_host_gets_in_as_long_as_a_replica_is_here() -> None:
    """It may not have heard yet that the last one with weight has left, or drains."""
    assert named(revision(1, 0, endpoint(1)), revision(2, 100, there=1)) == [{"10.1.0.2": WHOLE}, {"10.0.0.1": 1}]
    going = revision(1, 100, endpoint(1, draining=True), there=1)
    assert named(going) == [{"10.1.0.2": WHOLE}, {"10.0.0.1": 1}]
    assert named(revision(1, 100, there=1)) == [{"10.1.0.2": WHOLE}]


def test_another_host_is_asked_for_what_it_offers_and_as_no_http() -> None:
    [there] = of_names(ENVIRONMENT, service(revision(1, 100, there=2)))
    [_, own] = of_names(ENVIRONMENT, service(revision(1, 100, endpoint(1))))
    [match] = there["transport_socket_matches"]
    tls = match["transport_socket"]["typed_config"]
    assert own["name"] == f"peer.{tls['sni']}"
    assert tls["common_tls_context"]["alpn_protocols"] == ["fairway-tcp"]


def test_the_listener_leads_to_the_cluster() -> None:
    cluster, *_ = of_names(ENVIRONMENT, service(revision(1, 100, endpoint(1))))
    made = listener(ENVIRONMENT, "db", 6379)
    [proxy] = made["filter_chains"][0]["filters"]
    assert proxy["typed_config"]["cluster"] == cluster["name"]


def test_no_two_names_share_a_pipe_and_each_is_short_enough_for_linux() -> None:
    environments = [Environment("a-b", "c"), Environment("a", "b-c"), Environment("x" * 80, "y" * 80)]
    services = ["d", "d.1", "D", "z" * 200]
    made = {pipe(e, s, port) for e in environments for s in services for port in (1, 65535)}
    assert len(made) == 24
    assert max(map(len, made)) < 108


@EXAMPLES
@given(tables())
def test_without_other_hosts_there_are_no_names(found: RoutingTable) -> None:
    services = tuple(replace(one, route=replace(one.route, names=(80, 6379))) for one in found.services)
    one_host = replace(found, services=services)
    assert clusters([one_host]) == clusters([found])
    assert listeners([], [one_host]) == []


@pytest.mark.parametrize("hosts", [(), ("shop.test",)])
def test_only_what_users_reach_has_clusters_for_requests(hosts: tuple[str, ...]) -> None:
    one = service(revision(1, 100, endpoint(1)), route=replace(ROUTE, hosts=hosts))
    made = clusters([replace(table(one), host="web-1")])
    assert sum(not name.removeprefix("peer.").startswith("name.") for name in made) == (2 if hosts else 0)
