"""One table for a whole fleet ⇄ one for the gateway of each host, and the way from the live ones to the new ones. Pure.

A gateway may ask another one only for what that one offers already, and until the last one has stopped asking. So new
replicas are first offered everywhere, then asked for everywhere, and what leaves is taken back last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from msgspec.structs import replace

from fairway.model.peers import Peer
from fairway.model.routes import Backend, Endpoint, RoutedService, RoutingTable

Tables = Mapping[str, RoutingTable | None]
"""By host; None where a gateway knows nothing of the environment."""


def split(table: RoutingTable, addresses: Mapping[str, str]) -> dict[str, RoutingTable]:
    """By host: its own replicas by their addresses, the others behind the gateways of their hosts (`addresses`)."""
    return {host: _for_host(table, host, addresses) for host in addresses}


def _for_host(table: RoutingTable, host: str, addresses: Mapping[str, str]) -> RoutingTable:
    services = tuple(
        replace(routed, agreed=True, backends=tuple(_seen_from(host, one, addresses) for one in routed.backends))
        for routed in table.services
    )
    return replace(table, host=host, services=services)


def _seen_from(host: str, backend: Backend, addresses: Mapping[str, str]) -> Backend:
    elsewhere = Counter(point.host for point in backend.endpoints if point.host != host and not point.draining)
    peers = [
        Peer(host=name, address=addresses[name], replicas=elsewhere[name]) for name in addresses if elsewhere[name]
    ]
    own = tuple(point for point in backend.endpoints if point.host == host)
    return replace(backend, endpoints=own, remote=tuple(sorted(peers)))


def merge(tables: Tables, addresses: Mapping[str, str]) -> RoutingTable | None:
    """What all gateways say together. A service of which they do not say the same has not been `agreed` on."""
    known = [table for table in tables.values() if table]
    if not known:
        return None
    names = sorted({routed.service for table in known for routed in table.services})
    whole = RoutingTable(environment=known[0].environment, services=tuple(_together(name, known) for name in names))
    expected = split(whole, addresses)
    said = {host: _services(table) for host, table in tables.items()}
    services = (
        replace(
            routed,
            agreed=all(said[host].get(routed.service) == _services(expected[host])[routed.service] for host in tables),
        )
        for routed in whole.services
    )
    return replace(whole, services=tuple(services))


def _services(table: RoutingTable | None) -> dict[str, RoutedService]:
    return {routed.service: routed for routed in table.services} if table else {}


def _together(service: str, tables: list[RoutingTable]) -> RoutedService:
    """As the first one has it, with the replicas of all."""
    said = [routed for table in tables for routed in table.services if routed.service == service]
    backends: dict[str, Backend] = {}
    for backend in (one for routed in said for one in routed.backends):
        known = backends.get(backend.revision)
        points = (*(known.endpoints if known else ()), *backend.endpoints)
        backends[backend.revision] = replace(known or backend, endpoints=points, remote=())
    return replace(said[0], backends=tuple(backends.values()))


def stages(live: Tables, wanted: Mapping[str, RoutingTable]) -> list[dict[str, RoutingTable]]:
    """The tables of all hosts, one after the other: each is to be live everywhere before the next. None where nothing changes."""
    offered = {host: _offering(live.get(host), table) for host, table in wanted.items()}
    asked = {host: _asking(live.get(host), table) for host, table in wanted.items()}
    way: list[dict[str, RoutingTable]] = []
    before: Tables = {host: live.get(host) for host in wanted}
    for stage in (offered, asked, dict(wanted)):
        if stage != before:
            way.append(stage)
            before = stage
    return way


def _offering(live: RoutingTable | None, wanted: RoutingTable) -> RoutingTable:
    """What is live, with the new replicas of this host beside, for others to ask for. No request goes another way yet."""
    known = _services(live)
    offered = {routed.service: _with_more(known.get(routed.service), routed) for routed in wanted.services}
    return replace(wanted, services=tuple(service for _, service in sorted({**known, **offered}.items())))


def _with_more(live: RoutedService | None, wanted: RoutedService) -> RoutedService:
    base = live or replace(wanted, backends=(), steering=None)
    news = {backend.revision: backend for backend in wanted.backends}
    grown = [replace(old, endpoints=_joined(old, news.pop(old.revision, None))) for old in base.backends]
    added = [replace(new, weight=0, remote=()) for new in news.values() if _open(new)]
    return replace(base, backends=(*grown, *added))


def _joined(old: Backend, new: Backend | None) -> tuple[Endpoint, ...]:
    there = {(point.address, point.port) for point in old.endpoints if not point.draining}
    more = [point for point in (_open(new) if new else ()) if (point.address, point.port) not in there]
    kept = [point for point in old.endpoints if (point.address, point.port) not in {(p.address, p.port) for p in more}]
    return (*kept, *more)


def _asking(live: RoutingTable | None, wanted: RoutingTable) -> RoutingTable:
    """What is wanted; but what leaves this host is still there for those that have not heard of it."""
    known, news = _services(live), _services(wanted)
    kept = {name: _with_left(known.get(name), routed) for name, routed in news.items()}
    ending = {
        name: _with_left(old, replace(old, backends=(), steering=None))
        for name, old in known.items()
        if name not in news
    }
    ending = {name: old for name, old in ending.items() if old.backends}
    return replace(wanted, services=tuple(service for _, service in sorted({**kept, **ending}.items())))


def _with_left(live: RoutedService | None, wanted: RoutedService) -> RoutedService:
    left = {backend.revision: _open(backend) for backend in (live.backends if live else ())}
    backends = [replace(one, endpoints=_kept(one, left.pop(one.revision, ()))) for one in wanted.backends]
    gone = [one for one in (live.backends if live else ()) if left.get(one.revision)]
    leaving = (replace(one, weight=0, remote=(), endpoints=left[one.revision]) for one in gone)
    return replace(wanted, backends=(*backends, *leaving))


def _kept(wanted: Backend, left: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    """Its endpoints, and those that were open and are no longer: open, until everybody knows."""
    open_now = {(point.address, point.port) for point in _open(wanted)}
    parting = [point for point in left if (point.address, point.port) not in open_now]
    places = {(point.address, point.port) for point in parting}
    return (*(point for point in wanted.endpoints if (point.address, point.port) not in places), *parting)


def _open(backend: Backend) -> tuple[Endpoint, ...]:
    return tuple(point for point in backend.endpoints if not point.draining)
