"""A change from and to tables with other hosts: nothing is said to another host in plain text in between."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fairway.gateway.change import change
from fairway.model.peers import Peer
from fairway.model.routes import Endpoint, RoutingTable
from fairway.render.envoy import Discovery, read_clusters
from tests.unit.gateway.test_change import live
from tests.unit.render.envoy_tables import backend, endpoint, routed, table

TWO, THREE = (Peer(host=f"web-{n}", address=f"10.1.0.{n}", replicas=n) for n in (2, 3))


def placed(endpoints: tuple[Endpoint, ...], remote: tuple[Peer, ...], host: str = "web-1") -> RoutingTable:
    one = replace(backend("web-r1", *endpoints), remote=remote)
    return replace(table(routed("web", one)), host=host)


TABLES = {
    "here": placed((endpoint(1),), ()),
    "alone": placed((endpoint(1),), (), host=""),
    "both": placed((endpoint(1),), (TWO,)),
    "elsewhere": placed((), (TWO,)),
    "another": placed((), (THREE,)),
    "more": placed((endpoint(1),), (replace(TWO, replicas=5), THREE)),
}


def spoken_to_safely(file: Discovery | None) -> None:
    """Every endpoint with another host's address has that host's TLS."""
    for cluster in read_clusters(file.body.encode()).values() if file else ():
        matches = [match["match"] for match in cluster.get("transport_socket_matches", [])]
        for point in cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]:
            address = point["endpoint"]["address"]["socket_address"]["address"]
            if address.startswith("10.1."):
                assert point["metadata"]["filter_metadata"]["envoy.transport_socket_match"] in matches


@pytest.mark.parametrize("old", TABLES)
@pytest.mark.parametrize("new", TABLES)
def test_between_any_two_tables_other_hosts_are_spoken_to_in_tls_alone(old: str, new: str) -> None:
    found = change(live(TABLES[old]), TABLES[new])
    for file in (found.grow, found.shrink):
        spoken_to_safely(file)
    assert found.empty == (old == new)


def test_where_only_weights_change_nothing_but_the_clusters_is_pushed_before() -> None:
    more = placed((endpoint(1),), (replace(TWO, replicas=5),))
    found = change(live(TABLES["both"]), more)
    assert found.grow is not None
    assert found.shrink is None
