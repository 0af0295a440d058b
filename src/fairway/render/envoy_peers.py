"""The hop between gateways: what a gateway sends to those of other hosts, and what it lets them reach.

A revision's replicas on another host are one endpoint of its cluster here: the other host's gateway, with the number of
those replicas for its weight. Which revision is meant travels as the server name of the TLS connection, out of every
user's reach. The gateway over there makes it the name of a cluster that has nothing but its own replicas, so that no
request hops twice.

It is HTTP/1.1 inside TLS: Envoy has one protocol for all endpoints of a cluster, and the replicas speak that one.
"""

from __future__ import annotations

import hashlib
from typing import Any

from fairway.model.peers import PEERS_PORT, Peer, gateway_name
from fairway.render.envoy_sockets import keepalive
from fairway.render.envoy_tls import DIRECTORY, HTTP, TCP, client_end, server_end

Json = dict[str, Any]

PEERS = "peers"
OFFERED = "peer."
"""What the names of clusters begin with that other gateways may ask for."""
WANTED = "x-fairway-peer-cluster"
CHECK = "x-fairway-peer-check"
UNSENT = "x-fairway-unsent"
"""On an answer of the other gateway: no replica has seen the request, so it may be tried elsewhere."""
PRIVATE = (WANTED, CHECK)
"""Headers that only gateways write: taken from users' requests."""

_MEANT = f"{OFFERED}%REQUESTED_SERVER_NAME%"
_API = "type.googleapis.com/envoy.extensions."
_HTTP = f"{_API}filters.network.http_connection_manager.v3.HttpConnectionManager"
_NEVER_SENT = ["UF", "UH", "NC", "NR"]
"""Envoy's flags: no connection, no healthy replica, no such cluster, no such route."""

CHECKED = {"timeout": "0.7s", "interval": "0.5s", "no_traffic_interval": "0.5s", "unhealthy_interval": "0.25s"}
"""With two failures in a row, a host that is gone is out 2.2 s later at the latest."""


def server_name(cluster: str) -> str:
    """What the other gateway is asked for. Server names know no capitals, so a hash tells apart what would be the same."""
    return f"{cluster.lower()[:160]}.{hashlib.sha256(cluster.encode()).hexdigest()[:8]}"


def offered(cluster: str) -> str:
    """The name of the cluster with this host's own replicas, for other gateways."""
    return OFFERED + server_name(cluster)


def endpoint(peer: Peer) -> Json:
    return {
        "endpoint": {"address": {"socket_address": {"address": peer.address, "port_value": peer.port}}},
        "load_balancing_weight": peer.replicas,
        "metadata": {"filter_metadata": {"envoy.transport_socket_match": {PEERS: peer.host}}},
    }


def transport(peer: Peer, cluster: str, directory: str = DIRECTORY, protocol: str = HTTP) -> Json:
    """How the cluster's endpoints that are this peer are connected to."""
    socket = client_end(gateway_name(peer.host), server_name(cluster), directory, protocol)
    return {"name": peer.host, "match": {PEERS: peer.host}, "transport_socket": socket}


def health_check() -> Json:
    """Asks the other gateway itself, none of its replicas."""
    marked = {"header": {"key": CHECK, "value": "true"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
    return {
        **CHECKED,
        "unhealthy_threshold": 2,
        "healthy_threshold": 1,
        "http_health_check": {"path": "/", "host": PEERS, "request_headers_to_add": [marked]},
    }


def peers_listener(directory: str, port: int = PEERS_PORT) -> Json:
    """For the gateways of other hosts. It never changes: the clusters that are there are what can be reached."""
    manager = {"name": "envoy.filters.network.http_connection_manager", "typed_config": _manager()}
    tls = {"transport_socket": server_end(directory), "transport_socket_connect_timeout": "5s"}
    inspector = {"@type": f"{_API}filters.listener.tls_inspector.v3.TlsInspector"}
    return {
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": f"{PEERS}-{port}",
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": port}},  # noqa: S104
        "socket_options": keepalive(idle=15, every=5, times=3),
        "listener_filters": [{"name": "envoy.filters.listener.tls_inspector", "typed_config": inspector}],
        "filter_chains": [
            {"filter_chain_match": {"application_protocols": [TCP]}, "filters": _connections(), **tls},
            {"filters": [manager], **tls},
        ],
    }


def _connections() -> list[Json]:
    """For services that are no HTTP: connections to the cluster that the server name means."""
    cluster = {
        "object_key": "envoy.tcp_proxy.cluster",
        "format_string": {"text_format_source": {"inline_string": _MEANT}},
    }
    state = {"@type": f"{_API}filters.network.set_filter_state.v3.Config", "on_new_connection": [cluster]}
    proxy = {
        "@type": f"{_API}filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": PEERS,
        "cluster": f"{OFFERED}none",
        "idle_timeout": "0s",
        "max_connect_attempts": 5,
    }
    return [
        {"name": "envoy.filters.network.set_filter_state", "typed_config": state},
        {"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy},
    ]


def _manager() -> Json:
    """The first gateway has done what is done to users' requests; this one passes them on as they are."""
    return {
        "@type": _HTTP,
        "stat_prefix": PEERS,
        "codec_type": "HTTP1",
        "early_header_mutation_extensions": [_wanted()],
        "route_config": {"name": PEERS, "virtual_hosts": [{"name": PEERS, "domains": ["*"], "routes": _routes()}]},
        "http_filters": [
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{_API}filters.http.router.v3.Router"}}
        ],
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "use_remote_address": False,
        "skip_xff_append": True,
        "generate_request_id": False,
        "preserve_external_request_id": True,
        "server_header_transformation": "PASS_THROUGH",
        "stream_idle_timeout": "0s",
        "request_headers_timeout": "60s",
        "local_reply_config": {"mappers": [_unsent()]},
    }


def _wanted() -> Json:
    """Before a route is chosen, and whatever the request says of it."""
    value = {"key": WANTED, "value": _MEANT}
    mutation = {"append": {"header": value, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
    return {
        "name": "envoy.http.early_header_mutation.header_mutation",
        "typed_config": {
            "@type": f"{_API}http.early_header_mutation.header_mutation.v3.HeaderMutation",
            "mutations": [mutation],
        },
    }


def _routes() -> list[Json]:
    """The first gateway's times and retries count: here there are none. Copies keep limits of their own."""
    check = {"name": CHECK, "present_match": True}
    copy = {"name": "x-fairway-mirror", "present_match": True}
    return [
        {"match": {"prefix": "/", "headers": [check]}, "direct_response": {"status": 200}},
        {"match": {"prefix": "/", "headers": [copy]}, **_to("DEFAULT")},
        {"match": {"prefix": "/"}, **_to("HIGH")},
    ]


def _to(priority: str) -> Json:
    return {
        "route": {"cluster_header": WANTED, "timeout": "0s", "idle_timeout": "0s", "priority": priority},
        "request_headers_to_remove": [WANTED],
        "response_headers_to_remove": [UNSENT],
    }


def _unsent() -> Json:
    header = {"header": {"key": UNSENT, "value": "true"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
    return {"filter": {"response_flag_filter": {"flags": _NEVER_SENT}}, "headers_to_add": [header]}
