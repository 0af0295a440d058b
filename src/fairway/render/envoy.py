"""Routing tables → what Envoy reads: one file of clusters and one of routes, both for every environment on the host.

The route file carries the tables it was made from as its metadata. So the routes and the record of what they mean are
renamed into place as one, and cannot tell two stories after a crash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from fairway.model.routes import RoutingTable
from fairway.render.envoy_clusters import cluster, cluster_name, offered
from fairway.render.envoy_listener import ROUTES
from fairway.render.envoy_peers import PRIVATE, UNSENT
from fairway.render.envoy_routes import virtual_hosts

Json = dict[str, Any]

_TYPE = "type.googleapis.com/envoy.config."
CLUSTER_TYPE = f"{_TYPE}cluster.v3.Cluster"
LISTENER_TYPE = f"{_TYPE}listener.v3.Listener"
ROUTE_TYPE = f"{_TYPE}route.v3.RouteConfiguration"
METADATA = "fairway"
_HIDDEN = {"request_headers_to_remove": list(PRIVATE), "response_headers_to_remove": [UNSENT]}


class Discovery(Struct, frozen=True):
    """One file that Envoy watches. `version` is a hash of the contents: two files with one version are the same."""

    version: str
    body: str


def clusters(tables: Iterable[RoutingTable]) -> dict[str, Json]:
    """Every cluster that the tables name, and every one that other hosts may ask for, by its name."""
    found: dict[str, Json] = {}
    for table in _ordered(tables):
        for service in table.services:
            for backend in service.backends:
                found[cluster_name(table.environment, backend)] = cluster(table.environment, service, backend)
                if table.host and not all(endpoint.draining for endpoint in backend.endpoints):
                    own = offered(table.environment, service, backend)
                    found[own["name"]] = own
    return found


def routes(tables: Iterable[RoutingTable]) -> Json:
    """The one route configuration. Raises GatewayError where two services claim the same host and path."""
    ordered = _ordered(tables)
    return {
        "@type": ROUTE_TYPE,
        "name": ROUTES,
        "virtual_hosts": virtual_hosts(ordered),
        "validate_clusters": True,
        "ignore_port_in_host_matching": True,
        "metadata": {"filter_metadata": {METADATA: {t.environment.key: msgspec.to_builtins(t) for t in ordered}}},
        **(_HIDDEN if any(backend.remote for t in ordered for one in t.services for backend in one.backends) else {}),
    }


def discovery(resources: Iterable[Mapping[str, Any]]) -> Discovery:
    """The text of a file with these resources, each of which has its "@type". Its first line is the version alone."""
    body = json.dumps(list(resources), separators=(",", ":"), sort_keys=True)
    version = hashlib.sha256(body.encode()).hexdigest()[:16]
    return Discovery(version, f'{{"version_info":"{version}",\n"resources":{body}}}')


def cluster_file(found: Mapping[str, Json]) -> Discovery:
    return discovery({"@type": CLUSTER_TYPE, **found[name]} for name in sorted(found))


def route_file(tables: Iterable[RoutingTable]) -> Discovery:
    return discovery([routes(tables)])


def read_clusters(body: bytes) -> dict[str, Json]:
    """The clusters of a file that `cluster_file` made."""
    found: list[Json] = msgspec.json.decode(body)["resources"]
    return {item["name"]: {key: value for key, value in item.items() if key != "@type"} for item in found}


def read_tables(body: bytes) -> dict[str, RoutingTable]:
    """The tables behind a file that `route_file` made, by their environment's key."""
    found = msgspec.json.decode(body)["resources"][0]["metadata"]["filter_metadata"][METADATA]
    return {key: msgspec.convert(value, RoutingTable) for key, value in found.items()}


def listens_on(body: bytes) -> int:
    """The port in a file with the listener."""
    return int(msgspec.json.decode(body)["resources"][0]["address"]["socket_address"]["port_value"])


def read_version(body: bytes) -> str:
    return str(msgspec.json.decode(body)["version_info"])


def _ordered(tables: Iterable[RoutingTable]) -> tuple[RoutingTable, ...]:
    return tuple(sorted(tables, key=lambda table: table.environment.key))
