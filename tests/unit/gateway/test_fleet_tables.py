"""One table for a fleet, one for each gateway, and the way from the live ones to new ones. FAIRWAY_EXAMPLES says how many (default 200)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import product

from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st
from msgspec.structs import replace

from fairway.gateway.fleet_tables import merge, split, stages
from fairway.model.environment import Environment
from fairway.model.peers import Peer
from fairway.model.policy import Route
from fairway.model.routes import Backend, Endpoint, RoutedService, RoutingTable

EXAMPLES = run(max_examples=int(os.environ.get("FAIRWAY_EXAMPLES", "100")), deadline=None)
ADDRESSES = {"a": "10.0.0.1", "b": "10.0.0.2", "c": "10.0.0.3"}
SHOP = Environment("shop", "production")


def endpoint(host: str, number: int, *, draining: bool = False) -> Endpoint:
    return Endpoint(f"10.210.0.{number}", 8000, draining, host)


def service(name: str, *backends: Backend) -> RoutedService:
    return RoutedService(service=name, route=Route(hosts=(f"{name}.test",), port=8000), backends=backends)


def table(*services: RoutedService) -> RoutingTable:
    return RoutingTable(environment=SHOP, services=services)


def backend(name: str, *points: Endpoint, weight: int = 1) -> Backend:
    return Backend(revision=name, digest=f"sha256:{name}", endpoints=points, weight=weight)


points = st.builds(endpoint, st.sampled_from(sorted(ADDRESSES)), st.integers(2, 5), draining=st.booleans())
several = st.lists(points, max_size=5, unique_by=lambda p: (p.host, p.address)).map(tuple)


@st.composite
def services(draw: st.DrawFn, name: str) -> RoutedService:
    revisions = draw(st.lists(st.sampled_from([f"{name}-r1", f"{name}-r2", f"{name}-r3"]), unique=True, max_size=3))
    return service(name, *(backend(one, *draw(several), weight=draw(st.integers(0, 2))) for one in sorted(revisions)))


@st.composite
def tables(draw: st.DrawFn) -> RoutingTable:
    return table(*(draw(services(name)) for name in ("api", "web") if draw(st.booleans())))


def offers(seen: RoutingTable | None, revision: str) -> bool:
    backends = (one for routed in (seen.services if seen else ()) for one in routed.backends)
    return any(one.revision == revision and any(not p.draining for p in one.endpoints) for one in backends)


def asked(seen: RoutingTable | None) -> set[tuple[str, str]]:
    """(host, revision) that requests are sent to, by the gateway that has this table."""
    backends = [one for routed in (seen.services if seen else ()) for one in routed.backends if one.weight]
    return {(peer.host, one.revision) for one in backends for peer in one.remote}


def safe(by_host: Mapping[str, RoutingTable | None]) -> bool:
    return all(offers(by_host[host], revision) for seen in by_host.values() for host, revision in asked(seen))


@EXAMPLES
@given(tables())
def test_what_was_split_is_whole_again_and_agreed_on(whole: RoutingTable) -> None:
    again = merge(split(whole, ADDRESSES), ADDRESSES)
    assert again is not None
    assert all(routed.agreed for routed in again.services)
    for one, other in zip(whole.services, again.services, strict=True):
        assert {b.revision: set(b.endpoints) for b in one.backends} == {
            b.revision: set(b.endpoints) for b in other.backends
        }
        assert {b.revision: b.weight for b in one.backends} == {b.revision: b.weight for b in other.backends}


@EXAMPLES
@given(tables(), st.none() | tables())
def test_no_gateway_asks_for_what_another_one_does_not_offer(wanted: RoutingTable, before: RoutingTable | None) -> None:
    """Within a stage some have heard and others have not, in any order."""
    live: Mapping[str, RoutingTable | None] = split(before, ADDRESSES) if before else dict.fromkeys(ADDRESSES)
    target = split(wanted, ADDRESSES)
    now = dict(live)
    for stage in stages(live, target):
        for heard in product((False, True), repeat=len(ADDRESSES)):
            mixed = {host: stage[host] if new else now[host] for host, new in zip(ADDRESSES, heard, strict=True)}
            assert safe(mixed)
        now = dict(stage)
    assert now == target or (before is None and not wanted.services and now == live) or now == live == target


@EXAMPLES
@given(tables())
def test_nothing_is_done_where_nothing_changes(whole: RoutingTable) -> None:
    live = split(whole, ADDRESSES)
    assert stages(live, live) == []


def test_a_host_is_one_endpoint_with_the_weight_of_its_replicas() -> None:
    web = backend("web-r1", endpoint("a", 2), endpoint("b", 2), endpoint("b", 3), endpoint("c", 2, draining=True))
    seen = split(table(service("web", web)), ADDRESSES)
    [one] = seen["a"].services[0].backends
    assert one.endpoints == (endpoint("a", 2),)
    assert one.remote == (Peer(host="b", address="10.0.0.2", replicas=2),)
    assert seen["a"].host == "a"
    assert seen["c"].services[0].backends[0].remote == (
        Peer(host="a", address="10.0.0.1", replicas=1),
        Peer(host="b", address="10.0.0.2", replicas=2),
    )


def test_gateways_that_say_different_things_have_not_agreed() -> None:
    old, new = backend("web-r1", endpoint("a", 2)), backend("web-r2", endpoint("b", 2))
    before = table(service("web", old))
    after = table(service("web", replace(old, weight=0), new))
    live = {**split(before, ADDRESSES), "b": split(after, ADDRESSES)["b"]}
    merged = merge(live, ADDRESSES)
    assert merged and not merged.services[0].agreed
    missing = {**split(before, ADDRESSES), "c": None}
    merged = merge(missing, ADDRESSES)
    assert merged and not merged.services[0].agreed


def test_new_replicas_are_offered_first_and_old_ones_leave_last() -> None:
    before = table(service("web", backend("web-r1", endpoint("a", 2), endpoint("b", 2))))
    shifted = table(
        service(
            "web",
            backend("web-r1", endpoint("a", 2), endpoint("b", 2), weight=0),
            backend("web-r2", endpoint("a", 3), endpoint("b", 3)),
        )
    )
    live, target = split(before, ADDRESSES), split(shifted, ADDRESSES)
    first, second = stages(live, target)
    assert [one.weight for one in first["a"].services[0].backends] == [1, 0]
    assert second == target
    gone = table(service("web", backend("web-r2", endpoint("a", 3), endpoint("b", 3))))
    told, last = stages(target, split(gone, ADDRESSES))
    assert not asked(told["a"]) & {("b", "web-r1")}
    assert offers(told["b"], "web-r1") and not offers(last["b"], "web-r1")
