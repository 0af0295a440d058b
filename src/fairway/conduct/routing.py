"""Weights and a fleet → the routing table, and back: what of a live table holds for a release."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from fairway.model.fleet import Fleet, Replica, Weights
from fairway.model.release import Release
from fairway.model.routes import Backend, Endpoint, RoutedService, RoutingTable

UNCONFIRMED = ""
"""The name of no revision: weights that hold it are to be sent again."""


def table(
    fleet: Fleet,
    release: Release,
    weights: Weights,
    *,
    ports: Mapping[str, int],
    ready: Collection[str],
    draining: Collection[str] = (),
    leaving: Collection[str] = (),
) -> RoutingTable:
    """The whole table. Only `ready` replicas (by id) get requests; `draining` ones stay known; `leaving` ones are left out.

    `ports` says, by revision, where replicas of earlier releases listen; the release's own route is the default.
    """
    services = []
    for service in sorted(release.revisions):
        route = release.policy(service).route
        if route is None:
            continue
        shares = weights.get(service, {})
        backends = []
        for revision in fleet.revisions(service):
            replicas = _addressed(fleet.of(revision), ready, draining, leaving)
            port = ports.get(revision.name, route.port)
            points = tuple(Endpoint(replica.address, port, replica.id in draining) for replica in replicas)
            weight = shares.get(revision.name, 0)
            if points:
                backends.append(
                    Backend(revision=revision.name, digest=revision.digest, endpoints=points, weight=weight)
                )
        policy = release.policy(service)
        services.append(RoutedService(service=service, route=route, backends=tuple(backends), ready=policy.ready))
    return RoutingTable(environment=release.environment, services=tuple(services))


def seen(fleet: Fleet, live: RoutingTable | None, release: Release | None) -> Fleet:
    """The fleet with what the gateway has confirmed: which replicas serve, and the weights.

    A service whose live route, or whose endpoints, are not what `release` asks for gets weights that equal no target, so
    that its table is sent again.
    """
    weights: dict[str, Mapping[str, int]] = {}
    serving: set[str] = set()
    for routed in live.services if live else ():
        shares = {backend.revision: backend.weight for backend in routed.backends if backend.weight}
        exact = all(backend.weight for backend in routed.backends)
        for revision in fleet.revisions(routed.service):
            backend = next(
                (b for b in routed.backends if b.revision == revision.name and b.digest == revision.digest), None
            )
            points = backend.endpoints if backend else ()
            addresses = {point.address for point in points if not point.draining}
            replicas = [replica for replica in fleet.of(revision) if replica.address in addresses]
            serving |= {replica.id for replica in replicas}
            if revision.name in shares:
                exact = exact and len(replicas) == len(points) == len(fleet.of(revision))
        exact = exact and set(shares) <= {revision.name for revision in fleet.revisions(routed.service)}
        intended = release.policy(routed.service).route if release else routed.route
        exact = exact and routed.route == intended and bool(shares)
        weights[routed.service] = shares if exact else {**shares, UNCONFIRMED: 0}
    return replace(fleet, weights=weights, serving=frozenset(serving))


def ports(*releases: Release | None) -> Mapping[str, int]:
    """Where the replicas of each routed revision listen, by the release that made it."""
    found: dict[str, int] = {}
    for release in releases:
        for service, revision in release.revisions.items() if release else ():
            if release and (route := release.policy(service).route):
                found[revision.name] = route.port
    return found


def _addressed(
    replicas: tuple[Replica, ...], ready: Collection[str], draining: Collection[str], leaving: Collection[str]
) -> list[Replica]:
    """Those that the gateway is to know. Ill ones are left out, unless there is no other."""
    present = [r for r in replicas if r.address and r.id not in leaving and (r.id in ready or r.id in draining)]
    return [r for r in present if r.alive or r.id in draining] or present
