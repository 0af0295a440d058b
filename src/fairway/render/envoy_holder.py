"""The holder of a service's name: an Envoy of its own, told everything at its start, that passes connections on to the gateway."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fairway.model.environment import Environment
from fairway.render.envoy_tcp import pipe, proxy

Json = dict[str, Any]

ATTEMPTS = 20
"""Until the gateway is there again: some seconds."""
BUFFER = 32 * 1024
"""Bytes of a connection that wait in the holder, each way."""


def bootstrap(environment: Environment, service: str, ports: Iterable[int], *, ipv6: bool) -> Json:
    """A listener and a cluster for each port; no admin interface, nothing to watch, and nothing counted."""
    ports = sorted(ports)
    return {
        "node": {"id": "fairway-name", "cluster": "fairway"},
        "static_resources": {
            "listeners": [_listener(port, ipv6=ipv6) for port in ports],
            "clusters": [_cluster(str(port), pipe(environment, service, port)) for port in ports],
        },
        "stats_config": {"stats_matcher": {"reject_all": True}},
    }


def _listener(port: int, *, ipv6: bool) -> Json:
    everywhere = {"address": "::", "ipv4_compat": True} if ipv6 else {"address": "0.0.0.0"}  # noqa: S104
    return {
        "name": str(port),
        "address": {"socket_address": {**everywhere, "port_value": port}},
        "filter_chains": [{"filters": [proxy(str(port), ATTEMPTS)]}],
        "per_connection_buffer_limit_bytes": BUFFER,
        "enable_reuse_port": False,
    }


def _cluster(name: str, path: str) -> Json:
    point = {"endpoint": {"address": {"pipe": {"path": path}}}}
    limits = dict.fromkeys(("max_connections", "max_pending_requests"), 1_000_000)
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [point]}]},
        "per_connection_buffer_limit_bytes": BUFFER,
        "circuit_breakers": {"thresholds": [limits]},
    }
