"""What of Envoy's configuration hardly ever changes: its bootstrap and the one listener."""

from __future__ import annotations

from typing import Any

from fairway.render.envoy_routes import NO_REPLICA
from fairway.render.envoy_sockets import keepalive

Json = dict[str, Any]

ROUTES = "fairway"
STATS = "ingress"
HEALTH = "/.well-known/fairway/health"
_API = "type.googleapis.com/envoy.extensions."

_BUCKETS = (
    1,
    2,
    3,
    5,
    7,
    10,
    15,
    20,
    30,
    50,
    70,
    100,
    150,
    200,
    300,
    500,
    700,
    1000,
    1500,
    2000,
    3000,
    5000,
    10000,
    30000,
)
"""Milliseconds: fine enough that a fifth more latency shows."""
_ALL = 3600 * 1000
"""The end of the last bucket, which counts everything."""

_KEPT = (
    {"prefix": "cluster_manager."},
    {"prefix": "listener_manager."},
    {"prefix": "server."},
    {"prefix": f"http.{STATS}.rds."},
    {
        "safe_regex": {
            "regex": rf"http\.{STATS}\.downstream_(rq_(total|active|[1-5]xx)|cx_(total|active|upgrades_active))"
        }
    },
    {
        "safe_regex": {
            "regex": r"cluster\..*\.(upstream_rq_(total|active|[1-5]xx|time|retry|retry_success|pending_overflow)"
            r"|upstream_cx_(active|connect_fail)|membership_(healthy|total))"
        }
    },
)


_KEPT_OF_PEERS = (
    {"prefix": "sds."},
    {"safe_regex": {"regex": r"http\.peers\.downstream_(rq_(total|active|[1-5]xx)|cx_(total|active|upgrades_active))"}},
)

_KEPT_OF_TLS = (
    {"prefix": "sds."},
    {"safe_regex": {"regex": r"listener\..*\.ssl\.(handshake|connection_error|session_reused)"}},
)


def bootstrap(directory: str, admin: str, *, peers: bool = False, https: bool = False) -> Json:
    """Envoy's own start: it reads lds.json, rds.json and cds.json in `directory`; `admin` is the path of a unix socket."""
    kept = [*_KEPT, *(_KEPT_OF_PEERS if peers else ()), *(_KEPT_OF_TLS if https else ())]
    return {
        "node": {"id": "fairway", "cluster": "fairway"},
        "admin": {"address": {"pipe": {"path": admin, "mode": 0o600}}},
        "dynamic_resources": {
            "lds_config": _file(f"{directory}/lds.json"),
            "cds_config": _file(f"{directory}/cds.json"),
        },
        "stats_flush_on_admin": True,
        "stats_config": {
            "stats_matcher": {"inclusion_list": {"patterns": kept}},
            "histogram_bucket_settings": [{"match": {"suffix": "upstream_rq_time"}, "buckets": [*_BUCKETS, _ALL]}],
        },
    }


def listener(directory: str, port: int) -> Json:
    """Plain HTTP on every address of the host; the routes are in rds.json of `directory`."""
    manager = _connection_manager(f"{directory}/rds.json")
    return {
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": f"http-{port}",
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": port}},  # noqa: S104
        "socket_options": keepalive(idle=60, every=15, times=4),
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }


def _connection_manager(routes: str) -> Json:
    return {
        "@type": f"{_API}filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": STATS,
        "rds": {"route_config_name": ROUTES, "config_source": _file(routes)},
        "http_filters": [
            _health(),
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{_API}filters.http.router.v3.Router"}},
        ],
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "use_remote_address": True,
        "server_header_transformation": "PASS_THROUGH",
        "normalize_path": True,
        "stream_idle_timeout": "0s",
        "request_headers_timeout": "60s",
        "http_protocol_options": {"accept_http_10": True},
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 65536,
            "initial_connection_window_size": 1048576,
        },
        "local_reply_config": {"mappers": [_short_reply()]},
    }


def _health() -> Json:
    """Whoever leads users to several gateways asks this one whether it is to get some; a gateway that is about to go says no."""
    here = {"name": ":path", "string_match": {"exact": HEALTH}}
    return {
        "name": "envoy.filters.http.health_check",
        "typed_config": {
            "@type": f"{_API}filters.http.health_check.v3.HealthCheck",
            "pass_through_mode": False,
            "headers": [here],
        },
    }


def _short_reply() -> Json:
    """Envoy's own words for a 503 name addresses and reasons that are nobody's business outside."""
    return {
        "filter": {
            "status_code_filter": {
                "comparison": {"op": "EQ", "value": {"default_value": 503, "runtime_key": "fairway.unavailable"}}
            }
        },
        "body": {"inline_string": NO_REPLICA},
    }


def _file(path: str) -> Json:
    return {"path_config_source": {"path": path}, "resource_api_version": "V3"}
