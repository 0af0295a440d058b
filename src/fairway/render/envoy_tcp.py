"""Services found by their names, on every host: what their TCP connections go through, HTTP or not.

    container ── TCP ──> holder of the name ── pipe ──> gateway ──> replica here
                                                          └── mutual TLS ──> gateway of another host ──> replica there

Each port of a name has a listener on a pipe, and a cluster, whose names never change: weights and endpoints change
by the cluster alone, and what is open stays open. To another host travels the connection itself, in the same mutual TLS
on the same port as requests; the server name says which service and port are meant, and the application protocol of TLS that
it is no request. The gateway over there has a cluster with nothing but its own replicas, so that nothing hops twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fairway.model.environment import Environment
from fairway.model.peers import Peer
from fairway.model.routes import Backend, RoutedService
from fairway.render.envoy_clusters import CONNECT_TIMEOUT_TO_PEERS, unlimited
from fairway.render.envoy_peers import endpoint, offered, transport
from fairway.render.envoy_sockets import user_timeout
from fairway.render.envoy_tls import DIRECTORY, TCP

if TYPE_CHECKING:
    from fractions import Fraction

Json = dict[str, Any]
Place = tuple[str, int]
"""An address and a port."""

PIPES = "/run/fairway-names"
"""Where a gateway, and each holder of a name, has the volume with the pipes."""
PREFIX = "name."
"""What the names of these listeners and clusters begin with."""
WHOLE = 1_000_000
"""All weights of a cluster together, but for what rounding adds."""
ATTEMPTS = 5
"""Connections that are tried for one that a replica's host, or the replica, does not take."""
KEEPALIVE = {"keepalive_time": 15, "keepalive_interval": 5, "keepalive_probes": 3}
USER_TIMEOUT = 60
"""Seconds: what a host that is gone was sent ends then. So does what nobody reads for so long: more than for requests, for a
service may well wait for its readers."""
_PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"


def pipe(environment: Environment, service: str, port: int) -> str:
    """The path of the unix socket for this port of the name: below the 108 bytes that Linux has for it."""
    return f"{PIPES}/{_key(environment, service, port)}"


def listener(environment: Environment, service: str, port: int) -> Json:
    """It never changes as long as the name is there. Without "@type"."""
    key = _key(environment, service, port)
    return {
        "name": PREFIX + key,
        "address": {"pipe": {"path": f"{PIPES}/{key}", "mode": 0o666}},
        "filter_chains": [{"filters": [proxy(PREFIX + key, ATTEMPTS)]}],
    }


def proxy(cluster: str, attempts: int) -> Json:
    """The filter that passes connections to the cluster. They may be silent for ever."""
    config = {
        "@type": _PROXY,
        "stat_prefix": "names",
        "cluster": cluster,
        "idle_timeout": "0s",
        "max_connect_attempts": attempts,
        "backoff_options": {"base_interval": "0.025s", "max_interval": "0.5s"},
    }
    return {"name": "envoy.filters.network.tcp_proxy", "typed_config": config}


def clusters(environment: Environment, service: RoutedService, directory: str = DIRECTORY) -> Iterator[Json]:
    """For each port of the name: one for this host's containers, and one for the gateways of other hosts, if there are replicas here."""
    for port in service.route.names:
        name = PREFIX + _key(environment, service.service, port)
        weights, peers = _weights(service.backends, port), _peers(service.backends)
        yield {
            **_cluster(name, [*_points(weights), *map(endpoint, peers)]),
            **(
                {"transport_socket_matches": [transport(p, name, directory, protocol=TCP) for p in peers]}
                if peers
                else {}
            ),
        }
        if own := weights or _last(service.backends, port):
            yield _cluster(offered(name), _points(own))


def _key(environment: Environment, service: str, port: int) -> str:
    """Short, and another one for any other port of any other service."""
    exact = json.dumps([environment.app, environment.name, service, port]).encode()
    return f"{environment.key[:30]}.{service[:30]}.{port}.{hashlib.sha256(exact).hexdigest()[:8]}"


def _weights(backends: Sequence[Backend], port: int) -> dict[Place, int]:
    """This host's open replicas. Those of one revision, wherever they are, have its weight in equal parts."""
    found = {}
    for backend, share in _shares(backends):
        found.update({(address, port): _weight(share) for address in _own(backend)})
    return found


def _peers(backends: Sequence[Backend]) -> list[Peer]:
    """The other hosts, each with the weight of all its replicas in place of their number."""
    found: dict[tuple[str, str, int], Fraction] = {}
    for backend, share in _shares(backends):
        for peer in backend.remote:
            where = (peer.host, peer.address, peer.port)
            found[where] = share * peer.replicas + found.get(where, 0)
    return [
        Peer(host=host, address=address, port=port, replicas=_weight(share))
        for (host, address, port), share in sorted(found.items())
        if share
    ]


def _shares(backends: Sequence[Backend]) -> list[tuple[Backend, Fraction]]:
    """Of all connections, those for each replica of a revision; revisions without weight or replicas are left out."""
    from fractions import Fraction  # 5 ms that only fleets pay

    counts = {backend: len(_own(backend)) + sum(peer.replicas for peer in backend.remote) for backend in backends}
    served = [backend for backend in backends if backend.weight > 0 and counts[backend]]
    total = sum(backend.weight for backend in served)
    return [(backend, Fraction(backend.weight, total * counts[backend])) for backend in served]


def _weight(share: Fraction) -> int:
    return max(1, round(WHOLE * share))


def _last(backends: Sequence[Backend], port: int) -> Mapping[Place, int]:
    """Replicas here that another host may still take for the name's, because it has not heard of the change yet."""
    still_open = {(address, port): 1 for backend in backends for address in _own(backend)}
    return still_open or {(point.address, port): 1 for backend in backends for point in backend.endpoints}


def _own(backend: Backend) -> set[str]:
    return {point.address for point in backend.endpoints if not point.draining}


def _points(weights: Mapping[Place, int]) -> list[Json]:
    return [
        {
            "endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}},
            "load_balancing_weight": weight,
        }
        for (address, port), weight in sorted(weights.items())
    ]


def _cluster(name: str, points: Collection[Json]) -> Json:
    """One connection that fails takes a replica, or a host, out for 2 s, and longer each time; all of them are out never."""
    return unlimited(
        {
            "name": name,
            "type": "STATIC",
            "connect_timeout": CONNECT_TIMEOUT_TO_PEERS,
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": list(points)}]},
            "common_lb_config": {"healthy_panic_threshold": {"value": 1}},
            "upstream_connection_options": {"tcp_keepalive": KEEPALIVE},
            "upstream_bind_config": {"socket_options": [user_timeout(USER_TIMEOUT)]},
            "outlier_detection": {
                "split_external_local_origin_errors": True,
                "consecutive_local_origin_failure": 1,
                "enforcing_consecutive_local_origin_failure": 100,
                "enforcing_consecutive_5xx": 0,
                "enforcing_consecutive_gateway_failure": 0,
                "enforcing_success_rate": 0,
                "enforcing_local_origin_success_rate": 0,
                "interval": "1s",
                "base_ejection_time": "2s",
                "max_ejection_time": "30s",
                "max_ejection_percent": 100,
            },
        }
    )
