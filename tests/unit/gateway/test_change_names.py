"""A change of the services that are found by their names: a listener is only there while its cluster is."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairway.gateway import script
from fairway.gateway.change import Live, change
from fairway.model.policy import Route
from fairway.model.routes import RoutedService, RoutingTable
from fairway.render.envoy import Discovery, named, read_clusters, read_listeners
from tests.unit.gateway.test_change import BASE, BLOG, EXAMPLES, live
from tests.unit.render.envoy_tables import backend, endpoint, table

_ports = st.sets(st.sampled_from((80, 5432, 6379))).map(lambda found: tuple(sorted(found)))


def on_host(services: dict[str, tuple[int, ...]], count: int = 1) -> RoutingTable:
    """These services, with these ports of their names, and so many replicas."""
    made = (
        RoutedService(
            service=name,
            route=Route(hosts=(), port=80, names=ports),
            backends=(backend(f"{name}-r1", *(endpoint(number) for number in range(1, count + 1))),),
        )
        for name, ports in services.items()
    )
    return replace(table(*made), host="web-1")


_fleets = st.builds(on_host, st.dictionaries(st.sampled_from(("db", "cache")), _ports), st.integers(0, 2))


def wanted(listeners: list[dict[str, Any]]) -> set[str]:
    """The clusters that they lead to."""
    return {one["filter_chains"][0]["filters"][0]["typed_config"]["cluster"] for one in listeners}


def there(file: Discovery | None, otherwise: Live) -> set[str]:
    return set(read_clusters(file.body.encode()) if file else otherwise.clusters)


@EXAMPLES
@given(_fleets, _fleets)
def test_no_listener_ever_misses_its_cluster(old: RoutingTable, new: RoutingTable) -> None:
    now = live(old, BLOG)
    planned = change(now, new)
    before = [one for one in now.listeners if one["name"].startswith("name.")]
    after = named(planned.listen.body.encode()) if planned.listen else before
    grown = there(planned.grow, now)
    assert wanted(before) | wanted(after) <= grown
    assert wanted(after) <= (there(planned.shrink, now) if planned.shrink else grown)
    assert len(after) == sum(len(service.route.names) for service in new.services)


@EXAMPLES
@given(_fleets, _fleets)
def test_afterwards_it_is_what_a_fresh_gateway_would_have_been_told(old: RoutingTable, new: RoutingTable) -> None:
    then = change(live(old, BLOG), new).then
    assert then == live(new, BLOG)
    assert change(then, new).empty


@EXAMPLES
@given(st.dictionaries(st.sampled_from(("db", "cache")), _ports), st.integers(0, 2), st.integers(0, 2))
def test_listeners_stay_as_they_are_while_the_names_do(
    services: dict[str, tuple[int, ...]], old: int, new: int
) -> None:
    assert change(live(on_host(services, old)), on_host(services, new)).listen is None


def test_what_every_gateway_listens_on_comes_first_and_stays() -> None:
    planned = change(live(), on_host({"db": (6379,)}))
    assert planned.listen
    first, *names = read_listeners(planned.listen.body.encode())
    assert first == json.loads(json.dumps(BASE[0]))
    assert [one["name"].startswith("name.") for one in names] == [True]


def test_listeners_go_between_the_clusters_and_are_undone_before_them() -> None:
    now = live(on_host({"db": (6379,)}))
    planned = change(now, on_host({"cache": (6379,)}))
    text = script.transaction(now, planned)
    assert planned.grow
    assert planned.listen
    assert planned.shrink
    pushes = [line for line in text.splitlines() if line.startswith("push ")]
    assert [push.split()[1] for push in pushes] == ["cds", "lds", "rds", "cds"]
    undone = [line.split()[1] for line in text.splitlines() if line.startswith("undo ")]
    assert undone == ["rds", "lds", "cds"]
    assert f"has lds {now.listener_version}" in text
