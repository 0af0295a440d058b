"""Routing tables → what Envoy reads: one file of clusters and one of routes, both for every environment on the host.

The route file carries the tables it was made from as its metadata. So the routes and the record of what they mean are
renamed into place as one, and cannot tell two stories after a crash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from fairway.model.routes import RoutedService, RoutingTable
from fairway.render import envoy_tcp
from fairway.render.envoy_clusters import cluster, offered
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
    made = (one for table in _ordered(tables) for service in table.services for one in _clusters(table, service))
    return {one["name"]: one for one in made}


def _clusters(table: RoutingTable, service: RoutedService) -> Iterator[Json]:
    for backend in service.backends if service.route.hosts else ():
        yield cluster(table.environment, service, backend)
        if table.host and not all(endpoint.draining for endpoint in backend.endpoints):
            yield offered(table.environment, service, backend)
    if table.host:
        yield from envoy_tcp.clusters(table.environment, service)


def listeners(base: Iterable[Mapping[str, Any]], tables: Iterable[RoutingTable]) -> list[Json]:
    """The listeners that every gateway has (`base` may have others, which are left out), and then one for each port of a name."""
    of_names = (
        {"@type": LISTENER_TYPE, **envoy_tcp.listener(table.environment, service.service, port)}
        for table in _ordered(tables)
        if table.host
        for service in table.services
        for port in service.route.names
    )
    kept = (dict(one) for one in base if not _is_named(one))
    return [*kept, *sorted(of_names, key=lambda one: str(one["name"]))]


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


def read_listeners(body: bytes) -> list[Json]:
    """The listeners of a file, each with its "@type"."""
    found: list[Json] = msgspec.json.decode(body)["resources"]
    return found


def named(body: bytes) -> list[Json]:
    """Of a file of listeners, those of names."""
    return [one for one in read_listeners(body) if _is_named(one)]


def _is_named(listener: Mapping[str, Any]) -> bool:
    return str(listener["name"]).startswith(envoy_tcp.PREFIX)


def read_tables(body: bytes) -> dict[str, RoutingTable]:
    """The tables behind a file that `route_file` made, by their environment's key."""
    found = msgspec.json.decode(body)["resources"][0]["metadata"]["filter_metadata"][METADATA]
    return {key: msgspec.convert(value, RoutingTable) for key, value in found.items()}


def listens_on(body: bytes) -> int:
    """The port for users in a file of listeners: the first one is theirs."""
    return int(read_listeners(body)[0]["address"]["socket_address"]["port_value"])


def read_version(body: bytes) -> str:
    return str(msgspec.json.decode(body)["version_info"])


def _ordered(tables: Iterable[RoutingTable]) -> tuple[RoutingTable, ...]:
    return tuple(sorted(tables, key=lambda table: table.environment.key))
