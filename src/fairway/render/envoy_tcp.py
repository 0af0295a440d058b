"""TCP services (databases, caches) on another host: reached at a port of this one, through the other host's gateway.

What travels is the connection itself, in the same mutual TLS on the same port as requests; the server name says which service
is meant, and the application protocol of TLS that it is no HTTP. Nothing deploys this yet.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fairway.model.peers import Peer
from fairway.model.routes import Endpoint
from fairway.render.envoy_peers import endpoint, offered, transport
from fairway.render.envoy_tls import DIRECTORY, TCP

Json = dict[str, Any]

CONNECT_TIMEOUT = "2s"
_KEEPALIVE = {"keepalive_time": 60, "keepalive_interval": 15, "keepalive_probes": 4}
_PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"


def tcp_listener(service: str, address: str, port: int) -> Json:
    """Where this host's containers find the service. `service` is one name for it on all hosts: environment and service."""
    proxy = {"@type": _PROXY, "stat_prefix": "tcp", "cluster": tcp_cluster_name(service), "idle_timeout": "0s"}
    return {
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": f"tcp-{service}-{port}",
        "address": {"socket_address": {"address": address, "port_value": port}},
        "filter_chains": [{"filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]}],
    }


def tcp_cluster_name(service: str) -> str:
    return f"tcp.{service}"


def tcp_cluster(service: str, peers: Collection[Peer], directory: str = DIRECTORY) -> Json:
    """The hosts that run it, on one that does not."""
    name = tcp_cluster_name(service)
    ordered = sorted(peers)
    return {
        **_cluster(name, [endpoint(peer) for peer in ordered]),
        "transport_socket_matches": [transport(peer, name, directory, protocol=TCP) for peer in ordered],
    }


def offered_tcp_cluster(service: str, endpoints: Collection[Endpoint]) -> Json:
    """The service's own replicas, on a host that runs it: what the gateways of other hosts may ask for."""
    found = sorted({(one.address, one.port) for one in endpoints if not one.draining})
    points = [{"endpoint": {"address": {"socket_address": {"address": a, "port_value": p}}}} for a, p in found]
    return _cluster(offered(tcp_cluster_name(service)), points)


def _cluster(name: str, points: list[Json]) -> Json:
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": CONNECT_TIMEOUT,
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": points}]},
        "upstream_connection_options": {"tcp_keepalive": _KEEPALIVE},
    }
