"""One backend → one Envoy cluster."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from fairway.model.environment import Environment
from fairway.model.policy import Ready, Route
from fairway.model.routes import Backend, Endpoint, RoutedService
from fairway.render import envoy_peers
from fairway.render.envoy_sockets import user_timeout

Json = dict[str, Any]

_HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

CONNECT_TIMEOUT = "2s"
CONNECT_TIMEOUT_TO_PEERS = "1s"
UNCHECKED = {"disable_active_health_check": True}
USER_TIMEOUT = 15
"""Seconds: what a host that is gone was asked ends then. So does an upload that nobody reads for so long."""
ASKED_AND_SILENT = {"keepalive_time": 5, "keepalive_interval": 5, "keepalive_probes": 2}
"""A host that has taken a request and is gone then owes no acknowledgement: it is asked for one, and ends as soon."""
BY_ADDRESS: Json = {"type": "STATIC"}
BY_NAME: Json = {
    "type": "STRICT_DNS",
    "dns_lookup_family": "V4_ONLY",
    "dns_refresh_rate": "0.5s",
    "dns_failure_refresh_rate": {"base_interval": "0.5s", "max_interval": "1s"},
    "ignore_health_on_host_removal": True,
    "connect_timeout": CONNECT_TIMEOUT_TO_PEERS,
    "upstream_bind_config": {"socket_options": [user_timeout(USER_TIMEOUT)]},
    "upstream_connection_options": {"tcp_keepalive": ASKED_AND_SILENT},
}
"""A task has two seconds from when it is taken out of its name until it is stopped, and passes its health checks meanwhile.
They are on other hosts, which may be lost."""
IDLE_TIMEOUT = "0.5s"
"""Shorter than any usual server keeps an idle connection (gunicorn 2 s, Node and uvicorn 5 s): the gateway always closes first,
so no request is sent into a connection that the replica is just closing."""

NO_LIMIT = 1_000_000
"""A circuit breaker that opens under load fails users; the default of three retries at once is far too few."""

USERS_PRIORITY = "HIGH"
"""Every route's. What Envoy sends by itself, copies of requests, has the default priority, and so limits and connections of its own."""
COPIES = 256
"""Of one revision at once, and as many that wait. More are dropped: a revision that is slow costs the gateway no memory."""


def cluster_name(environment: Environment, backend: Backend) -> str:
    return revision_cluster(environment, backend.revision, backend.digest)


def revision_cluster(environment: Environment, revision: str, digest: str) -> str:
    """One name for each revision of each environment; a digest in it, so that it never comes back with another meaning."""
    return f"{environment.key}.{revision}.{digest.removeprefix('sha256:')[:12]}"


def cluster(environment: Environment, service: RoutedService, backend: Backend) -> Json:
    """Without "@type". Draining endpoints are left out: marked as draining, they would get requests again in panic mode."""
    name = cluster_name(environment, backend)
    endpoints = sorted({(backend.name or e.address, e.port) for e in backend.endpoints if not e.draining})
    rendered: Json = {
        "name": name,
        "connect_timeout": CONNECT_TIMEOUT,
        "lb_policy": "LEAST_REQUEST",
        "common_lb_config": {"healthy_panic_threshold": {"value": 30}},
        "load_assignment": {"cluster_name": name, "endpoints": [_locality(endpoints, service.ready)]},
        "typed_extension_protocol_options": {_HTTP: _http()},
        "upstream_connection_options": {"tcp_keepalive": {"keepalive_time": 60, "keepalive_interval": 15}},
        "circuit_breakers": {"thresholds": [_limits("DEFAULT", COPIES), _limits(USERS_PRIORITY, NO_LIMIT)]},
        "outlier_detection": _outliers(),
    }
    rendered |= BY_NAME if backend.name else BY_ADDRESS
    if service.ready.http is not None:
        rendered["health_checks"] = [_health_check(service.ready, service.ready.http, service.route)]
    return _with_peers(rendered, service, backend) if backend.remote else rendered


def offered(environment: Environment, service: RoutedService, backend: Backend) -> Json:
    """The same for the gateways of other hosts: this host's own replicas alone."""
    name = envoy_peers.offered(cluster_name(environment, backend))
    own = cluster(environment, service, replace(backend, remote=()))
    return {**own, "name": name, "load_assignment": {**own["load_assignment"], "cluster_name": name}}


def _with_peers(own: Json, service: RoutedService, backend: Backend) -> Json:
    """Replicas on other hosts as well.

    By weights alone: LEAST_REQUEST would give a host with four replicas less than four times as much, the busier it is.
    A host that is gone is found by checks, which end none of the requests that it has: TCP does that.
    """
    peers = sorted(peer for peer in backend.remote if peer.replicas > 0)
    [local] = own["load_assignment"]["endpoints"]
    points = local["lb_endpoints"]
    more: Json = {
        "connect_timeout": CONNECT_TIMEOUT_TO_PEERS,
        "upstream_bind_config": {"socket_options": [user_timeout(USER_TIMEOUT)]},
        "upstream_connection_options": {"tcp_keepalive": ASKED_AND_SILENT},
        "least_request_lb_config": {"active_request_bias": {"default_value": 0, "runtime_key": "fairway.bias"}},
        "transport_socket_matches": [envoy_peers.transport(peer, own["name"]) for peer in peers],
    }
    if service.ready.http is None:
        points = [{"endpoint": {**point["endpoint"], "health_check_config": UNCHECKED}} for point in points]
        more["health_checks"] = [envoy_peers.health_check()]
        more["common_lb_config"] = {"healthy_panic_threshold": {"value": 0}}
    else:
        [check] = own["health_checks"]
        more["health_checks"] = [{**check, "interval": "1s", "no_traffic_interval": "1s"}]
    endpoints = [{"lb_endpoints": [*points, *map(envoy_peers.endpoint, peers)]}]
    return {**own, **more, "load_assignment": {**own["load_assignment"], "endpoints": endpoints}}


def _locality(endpoints: list[tuple[str, int]], ready: Ready) -> Json:
    return {"lb_endpoints": [{"endpoint": _endpoint(Endpoint(*endpoint), ready)} for endpoint in endpoints]}


def _endpoint(endpoint: Endpoint, ready: Ready) -> Json:
    address = {"socket_address": {"address": endpoint.address, "port_value": endpoint.port}}
    if ready.http is None or ready.port in (None, endpoint.port):
        return {"address": address}
    return {"address": address, "health_check_config": {"port_value": ready.port}}


def _http() -> Json:
    return {
        "@type": f"type.googleapis.com/{_HTTP}",
        "common_http_protocol_options": {"idle_timeout": IDLE_TIMEOUT},
        "explicit_http_config": {"http_protocol_options": {}},
    }


def unlimited(cluster: Json) -> Json:
    """The cluster, with limits for nobody."""
    limits = [_limits("DEFAULT", NO_LIMIT), _limits(USERS_PRIORITY, NO_LIMIT)]
    return {**cluster, "circuit_breakers": {"thresholds": limits}}


def _limits(priority: str, most: int) -> Json:
    names = ("max_connections", "max_pending_requests", "max_requests", "max_retries")
    return {"priority": priority, **dict.fromkeys(names, most)}


def _outliers() -> Json:
    """Only failing to connect takes a replica out, and briefly: what an application answers is its own business."""
    return {
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": 5,
        "enforcing_consecutive_5xx": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "enforcing_success_rate": 0,
        "enforcing_local_origin_success_rate": 0,
        "interval": "1s",
        "base_ejection_time": "2s",
        "max_ejection_time": "30s",
        "max_ejection_percent": 50,
    }


def _health_check(ready: Ready, path: str, route: Route) -> Json:
    """Three bad answers in a row take a replica out, one good one brings it back.

    Where fewer than 30 % are left, all get requests again: a check that fails everywhere must not turn the service off.
    `no_traffic_interval` is a minute by default, in which a new replica's one bad answer would count.
    """
    low, high = (ready.status, ready.status + 1) if ready.status else (200, 400)
    return {
        "timeout": "2s",
        "interval": "3s",
        "no_traffic_interval": "3s",
        "unhealthy_interval": "1s",
        "unhealthy_threshold": 3,
        "healthy_threshold": 1,
        "http_health_check": {
            "path": path,
            "host": next((host for host in route.hosts if "*" not in host), "localhost"),
            "expected_statuses": [{"start": low, "end": high}],
            "retriable_statuses": [{"start": 100, "end": 600}],
        },
    }
