"""Weights and a fleet → the routing table, and back: what of a live table holds for a release."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from msgspec.structs import replace

from fairway.model.fleet import Fleet, Replica, Weights
from fairway.model.policy import ServicePolicy
from fairway.model.release import Release
from fairway.model.routes import Backend, Endpoint, RoutedService, RoutingTable, Steering

UNCONFIRMED = ""
"""The name of no revision: weights that hold it are to be sent again."""


def table(
    fleet: Fleet,
    release: Release,
    weights: Weights,
    *,
    ports: Mapping[str, int],
    ready: Collection[str],
    steering: Mapping[str, Steering] = MappingProxyType({}),
) -> RoutingTable:
    """The whole table, in which only `ready` replicas (by id) get requests.

    `ports` says, by revision, where replicas of earlier releases listen; the release's own route is the default.
    """
    services = []
    for service in sorted(release.revisions):
        policy = release.policy(service)
        if policy.route is None:
            continue
        shares = weights.get(service, {})
        backends = []
        for revision in fleet.revisions(service):
            port = ports.get(revision.name, policy.route.port)
            points = tuple(endpoint(replica, port) for replica in _addressed(fleet.of(revision), ready))
            weight = shares.get(revision.name, 0)
            if points:
                backends.append(
                    Backend(revision=revision.name, digest=revision.digest, endpoints=points, weight=weight)
                )
        services.append(
            RoutedService(
                service=service,
                route=policy.route,
                backends=tuple(backends),
                ready=policy.ready,
                steering=steering.get(service),
            )
        )
    return RoutingTable(environment=release.environment, services=tuple(services))


def endpoint(replica: Replica, port: int) -> Endpoint:
    """Where requests reach a replica."""
    return Endpoint(replica.address, port, host=replica.host)


def beside(live: RoutingTable | None, wanted: RoutingTable, services: Collection[str]) -> RoutingTable:
    """`wanted` for these services, on their live routes; whatever else is live stays as it is."""
    known = {routed.service: routed for routed in (live.services if live else ())}
    others = [routed for routed in known.values() if routed.service not in services]
    mine = [
        replace(routed, route=known[routed.service].route, ready=known[routed.service].ready)
        if routed.service in known
        else routed
        for routed in wanted.services
        if routed.service in services
    ]
    return replace(wanted, services=tuple(sorted((*others, *mine), key=lambda routed: routed.service)))


def draining(live: RoutingTable, going: Collection[Replica]) -> RoutingTable:
    """The live table, with no new requests for `going`. Nothing else changes: this may be long before the next Shift."""
    return _without(live, going, lambda point: (replace(point, draining=True),))


def without(live: RoutingTable, going: Collection[Replica]) -> RoutingTable:
    """The live table, which has forgotten `going`."""
    return _without(live, going, lambda point: ())


def seen(fleet: Fleet, live: RoutingTable | None, release: Release | None) -> Fleet:
    """The fleet with what the gateway has confirmed: which replicas serve, and the weights.

    A service whose live route, or whose endpoints, are not what `release` asks for gets weights that equal no target, so
    that its table is sent again. Where it asks another port, or for another sign of readiness, nothing of its revision
    has been seen to be ready.
    """
    weights: dict[str, Mapping[str, int]] = {}
    steering: dict[str, Steering] = {}
    serving: set[str] = set()
    for routed in live.services if live else ():
        policy = release.policy(routed.service) if release else ServicePolicy(route=routed.route, ready=routed.ready)
        same = policy.route is not None and policy.route.port == routed.route.port and policy.ready == routed.ready
        exact = same and policy.route == routed.route and routed.agreed
        for backend in routed.backends:
            replicas = _of(fleet, routed.service, backend)
            open_now = {(point.host, point.address) for point in backend.endpoints if not point.draining}
            served = {replica.id for replica in replicas if (replica.host, replica.address) in open_now}
            if same or not release or backend.revision != _name(release, routed.service):
                serving |= served
            exact = exact and len(served) == len(backend.endpoints) == len(replicas)
        if routed.steering:
            steering[routed.service] = routed.steering
        shares = {backend.revision: backend.weight for backend in routed.backends if backend.weight}
        if shares or not exact:
            weights[routed.service] = shares if exact else {**shares, UNCONFIRMED: 0}
    return replace(fleet, weights=weights, steering=steering, serving=frozenset(serving))


def ports(*releases: Release | None) -> Mapping[str, int]:
    """Where the replicas of each routed revision listen, by the release that made it."""
    found: dict[str, int] = {}
    for release in releases:
        for service, revision in release.revisions.items() if release else ():
            if release and (route := release.policy(service).route):
                found[revision.name] = route.port
    return found


def reached(*releases: Release | None) -> Mapping[str, tuple[int, ...]]:
    """All ports at which each routed revision gets requests or connections, by the release that made it."""
    found: dict[str, tuple[int, ...]] = {}
    for release in releases:
        for service, revision in release.revisions.items() if release else ():
            if release and (route := release.policy(service).route):
                found[revision.name] = tuple(dict.fromkeys((*((route.port,) if route.hosts else ()), *route.names)))
    return found


def _of(fleet: Fleet, service: str, backend: Backend) -> tuple[Replica, ...]:
    found = (r for r in fleet.revisions(service) if (r.name, r.digest) == (backend.revision, backend.digest))
    return tuple(replica for revision in found for replica in fleet.of(revision))


def _name(release: Release, service: str) -> str:
    revision = release.revisions.get(service)
    return revision.name if revision else ""


def _addressed(replicas: tuple[Replica, ...], ready: Collection[str]) -> tuple[Replica, ...]:
    """Those that the gateway is to know. Ill ones are left out, unless there is no other."""
    present = tuple(replica for replica in replicas if replica.address and replica.id in ready)
    return tuple(replica for replica in present if replica.alive) or present


def _without(
    live: RoutingTable, going: Collection[Replica], instead: Callable[[Endpoint], tuple[Endpoint, ...]]
) -> RoutingTable:
    addresses = {(replica.revision.name, replica.host, replica.address) for replica in going}

    def left(backend: Backend) -> Backend:
        points = (instead(p) if (backend.revision, p.host, p.address) in addresses else (p,) for p in backend.endpoints)
        return replace(backend, endpoints=tuple(point for kept in points for point in kept))

    services = []
    for routed in live.services:
        backends = tuple(backend for backend in map(left, routed.backends) if backend.endpoints)
        services.append(replace(routed, backends=backends))
    return replace(live, services=tuple(services))
