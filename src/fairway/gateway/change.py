"""From what is live to a new table: which files change, and in which order, so that no request is lost. Pure.

First every cluster that is new, and every endpoint that is added; then the listeners of names, and the routes; then what
nobody is sent to any more. In between, each state is one that serves: a change that stops anywhere has lost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from fairway.model.peers import Peer
from fairway.model.routes import RoutingTable
from fairway.render.envoy import (
    Discovery,
    cluster_file,
    clusters,
    discovery,
    listeners,
    read_clusters,
    read_listeners,
    read_tables,
    read_version,
    route_file,
)
from fairway.render.envoy_clusters import unlimited

Json = dict[str, Any]


class Live(Struct, frozen=True, kw_only=True):
    """What Envoy's files say now. The versions are what a change is conditional on."""

    clusters: Mapping[str, Json]
    tables: Mapping[str, RoutingTable]
    listeners: Sequence[Json]
    cluster_version: str
    route_version: str
    listener_version: str

    @property
    def peers(self) -> frozenset[Peer]:
        """The gateways of other hosts that are spoken with."""
        backends = (one for table in self.tables.values() for service in table.services for one in service.backends)
        return frozenset(peer for backend in backends for peer in backend.remote)

    @classmethod
    def read(cls, cds: bytes, rds: bytes, lds: bytes) -> Live:
        return cls(
            clusters=read_clusters(cds),
            tables=read_tables(rds),
            listeners=read_listeners(lds),
            cluster_version=read_version(cds),
            route_version=read_version(rds),
            listener_version=read_version(lds),
        )


class Change(Struct, frozen=True, kw_only=True):
    """The files to push, in this order; None where there is nothing to push. `then` is what is live afterwards."""

    grow: Discovery | None
    listen: Discovery | None
    route: Discovery | None
    shrink: Discovery | None
    then: Live

    @property
    def empty(self) -> bool:
        return all(file is None for file in (self.grow, self.listen, self.route, self.shrink))


def change(live: Live, table: RoutingTable) -> Change:
    """Raises GatewayError where another environment has one of the table's hosts and paths."""
    tables = {key: value for key, value in live.tables.items() if key != table.environment.key}
    if table.services or table.edge:
        tables[table.environment.key] = table
    routes = route_file(tables.values())
    wanted = clusters(tables.values())
    listening = listeners(live.listeners, tables.values())
    listened = discovery(listening)
    between = {**live.clusters, **{name: _joined(live.clusters.get(name), new) for name, new in wanted.items()}}
    grown, final = cluster_file(between), cluster_file(wanted)
    rerouted, relistened = routes.version != live.route_version, listened.version != live.listener_version
    if not rerouted and not relistened:
        grown = final
    return Change(
        grow=grown if grown.version != live.cluster_version else None,
        listen=listened if relistened else None,
        route=routes if rerouted else None,
        shrink=final if final.version != grown.version else None,
        then=Live(
            clusters=wanted,
            tables=tables,
            listeners=listening,
            cluster_version=final.version,
            route_version=routes.version,
            listener_version=listened.version,
        ),
    )


def _joined(old: Json | None, new: Json) -> Json:
    """The new cluster, with the old one's endpoints as well, and no limits where they are to be others."""
    if old is None:
        return new
    if old.get("circuit_breakers") != new["circuit_breakers"]:
        new = unlimited(new)
    assignment = new["load_assignment"]
    mine, theirs = (cluster["load_assignment"]["endpoints"][0].get("lb_endpoints", []) for cluster in (new, old))
    kept = [*mine, *(endpoint for endpoint in theirs if _address(endpoint) not in map(_address, mine))]
    if kept == mine:
        return new
    locality = {"lb_endpoints": sorted(kept, key=_address)}
    return {**new, **_transports(old, new), "load_assignment": {**assignment, "endpoints": [locality]}}


def _transports(old: Json, new: Json) -> Json:
    """Those of either: a host that is about to go is not to be spoken to in plain text meanwhile."""
    key = "transport_socket_matches"
    by_host = {match["name"]: match for cluster in (old, new) for match in cluster.get(key, [])}
    return {key: [by_host[host] for host in sorted(by_host)]} if by_host else {}


def _address(endpoint: Json) -> tuple[str, int]:
    where = endpoint["endpoint"]["address"]["socket_address"]
    return where["address"], where["port_value"]
