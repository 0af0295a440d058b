"""Weights and a fleet → the routing table, and back: what of a live table holds for a release."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fairway.model.fleet import Fleet, Replica, Weights
from fairway.model.release import Release
from fairway.model.routes import Backend, Endpoint, RoutedService, RoutingTable


def table(
    fleet: Fleet,
    release: Release,
    weights: Weights,
    *,
    ports: Mapping[str, int],
    draining: Collection[str] = (),
    leaving: Collection[str] = (),
) -> RoutingTable:
    """The whole table. `draining` replicas (by id) stay known without new requests; `leaving` ones are left out.

    `ports` says, by revision, where replicas of earlier releases listen; the release's own route is the default.
    """
    services = []
    for service in sorted(release.revisions):
        route = release.policy(service).route
        if route is None:
            continue
        shares = weights.get(service, {})
        backends = tuple(
            Backend(revision=r.name, digest=r.digest, endpoints=points, weight=shares.get(r.name, 0))
            for r in fleet.revisions(service)
            if (points := _endpoints(fleet.of(r), ports.get(r.name, route.port), draining, leaving))
        )
        ready = release.policy(service).ready
        services.append(RoutedService(service=service, route=route, backends=backends, ready=ready))
    return RoutingTable(environment=release.environment, services=tuple(services))


def live_weights(live: RoutingTable | None, fleet: Fleet, release: Release | None) -> Weights:
    """The weights that the gateway has confirmed, of those services alone whose route and endpoints are still true."""
    weights = {}
    for routed in live.services if live else ():
        expected = _expected(routed, fleet)
        intended = release.policy(routed.service).route if release else routed.route
        shares = {backend.revision: backend.weight for backend in routed.backends if backend.weight}
        stale = [b for b in routed.backends if b.weight and set(b.endpoints) != expected.get(b.revision)]
        idle = [b for b in routed.backends if not b.weight]
        if routed.route == intended and not stale and not idle and shares:
            weights[routed.service] = shares
        else:
            weights[routed.service] = {**shares, "": 0}  # equal to no target: the table has to be sent again
    return weights


def ports(*releases: Release | None) -> Mapping[str, int]:
    """Where the replicas of each routed revision listen, by the release that made it."""
    found: dict[str, int] = {}
    for release in releases:
        for service, revision in release.revisions.items() if release else ():
            if release and (route := release.policy(service).route):
                found[revision.name] = route.port
    return found


def _endpoints(
    replicas: tuple[Replica, ...], port: int, draining: Collection[str], leaving: Collection[str]
) -> tuple[Endpoint, ...]:
    present = (r for r in replicas if r.address and r.id not in leaving and (r.up or r.id in draining))
    return tuple(Endpoint(r.address, port, r.id in draining) for r in present)


def _expected(routed: RoutedService, fleet: Fleet) -> dict[str, set[Endpoint]]:
    ports = {b.revision: b.endpoints[0].port for b in routed.backends if b.endpoints}
    found: dict[str, set[Endpoint]] = {}
    for revision in fleet.revisions(routed.service):
        port = ports.get(revision.name, routed.route.port)
        found[revision.name] = {Endpoint(r.address, port) for r in fleet.of(revision) if r.address and r.up}
    return found
