"""Routing tables → Envoy's virtual hosts: by host, then by the longest path, then by the lanes of the service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from fairway.model.edge import EdgeRoutes
from fairway.model.environment import Environment
from fairway.model.errors import GatewayRejected
from fairway.model.routes import RoutedService, RoutingTable
from fairway.render.envoy_clusters import USERS_PRIORITY
from fairway.render.envoy_edge_routes import challenges, redirect
from fairway.render.envoy_peers import UNSENT
from fairway.render.envoy_steering import Copies, Lane, lanes, preview

Json = dict[str, Any]

ANY = "*"
NO_ROUTE = "No application answers at this address.\n"
NO_REPLICA = "The application cannot answer at the moment.\n"
"""What users are told, whether no replica should answer or none does: Envoy has one text for all its 503."""

# None of these reaches the replica with a request that it could already have acted upon.
RETRY_ON = "connect-failure,refused-stream,reset-before-request"
ANOTHER = 100
"""How often a retry draws until it has another replica: one that refuses connections has the fewest requests, so that of two
it is drawn three times in four."""

BODILESS = ("GET", "HEAD", "DELETE", "OPTIONS", "TRACE")
"""Without a length they have no body."""


class _Claim(Struct, frozen=True):
    environment: Environment
    service: RoutedService
    preview: bool = False
    edge: EdgeRoutes | None = None

    @property
    def path(self) -> str:
        return "/" + self.service.route.path.strip("/")

    @property
    def name(self) -> str:
        return f"{self.environment.key}.{self.service.service}{'.preview' if self.preview else ''}"

    @property
    def words(self) -> str:
        return f"{'the preview of ' if self.preview else ''}{self.service.service} of {self.environment}"


def virtual_hosts(tables: Iterable[RoutingTable]) -> list[Json]:
    """One for each host, and always one for any other. Raises GatewayRejected where two services claim the same host and path."""
    tables = tuple(tables)
    claims = _claims(tables)
    anywhere = claims.pop(ANY, {})
    found = {host: [*_by_path(claims[host]), *_by_path(anywhere)] for host in sorted(claims)}
    first = challenges(table.edge for table in tables if table.edge)
    return [_virtual_host(host, own, first) for host, own in {**found, ANY: _by_path(anywhere)}.items()]


def _claims(tables: Iterable[RoutingTable]) -> dict[str, dict[str, _Claim]]:
    """By host, then by path."""
    found: dict[str, dict[str, _Claim]] = {}
    for table in tables:
        for service in table.services:
            own = _Claim(table.environment, service, edge=table.edge)
            wanted = [(host, own) for host in dict.fromkeys(host.lower() for host in service.route.hosts)]
            if service.steering and service.steering.preview:
                wanted.append((service.steering.preview.lower(), replace(own, preview=True)))
            for host, claim in wanted:
                taken = found.setdefault(host, {}).setdefault(claim.path, claim)
                if taken is not claim:
                    raise _conflict(host, claim, taken)
    return found


def _conflict(host: str, claim: _Claim, taken: _Claim) -> GatewayRejected:
    place = f"{'any host' if host == ANY else host}{claim.path}"
    return GatewayRejected(
        f"{taken.words} and {claim.words} both want {place}",
        hint="Give one of them another host or path in its fairway.yaml, or take the other one down.",
    )


def _by_path(claims: dict[str, _Claim]) -> list[_Claim]:
    return [claims[path] for path in sorted(claims, key=lambda path: (-len(path), path))]


def _virtual_host(host: str, claims: list[_Claim], first: list[Json]) -> Json:
    """A path is only looked at while none before it takes everything: the services for any host come last."""
    routes = [*first]
    seen: set[str] = set()
    for claim in claims:
        if claim.path not in seen and "/" not in seen:
            routes.extend(_routes(claim, host))
            seen.add(claim.path)
    if "/" not in seen:
        routes.append({"name": "none", "match": {"prefix": "/"}, "direct_response": _text(404, NO_ROUTE)})
    return {"name": host, "domains": [host], "routes": routes}


def _routes(claim: _Claim, host: str) -> Iterator[Json]:
    """Those that are copied come first: what no method of theirs fits goes on to the same lane without copies."""
    service = claim.service
    yield from redirect(claim.edge, host, claim.name, _below(claim))
    for lane in [preview(claim.environment, service)] if claim.preview else lanes(claim.environment, service):
        plain = _route(claim, lane)
        if lane.copies and lane.to:
            for method in lane.copies.methods:
                match = {**plain["match"], "headers": [*plain["match"].get("headers", []), *_copied(method)]}
                yield {**plain, "match": match, "route": {**plain["route"], **_mirror(lane.copies)}}
        yield plain


def _route(claim: _Claim, lane: Lane) -> Json:
    route: Json = {"name": claim.name, "match": {**_below(claim), **lane.match}}
    if not lane.to:
        return {**route, "direct_response": _text(503, NO_REPLICA)}
    to: Json = {"cluster": lane.to[0][0]}
    if len(lane.to) > 1:
        to = {"weighted_clusters": {"clusters": [{"name": name, "weight": weight} for name, weight in lane.to]}}
    if lane.cookie:
        route["response_headers_to_add"] = [{"header": {"key": "set-cookie", "value": lane.cookie}}]
    timeout = f"{claim.service.route.timeout:.6f}".rstrip("0").rstrip(".") + "s"
    limits = {"timeout": timeout, "idle_timeout": "0s", "priority": USERS_PRIORITY}
    hops = any(backend.remote for backend in claim.service.backends)
    return {**route, "route": {**to, **limits, **_retries(claim.service.route.retries, hops=hops)}}


def _below(claim: _Claim) -> Json:
    return {"prefix": "/"} if claim.path == "/" else {"path_separated_prefix": claim.path}


def _copied(method: str) -> list[Json]:
    """Requests with this method, but for those whose copies could hold up the user, or would never end.

    Envoy slows a user down who sends more than a mirror reads, so a body that is long, or of unknown length, is not copied.
    """
    length = {"safe_regex": {"regex": "[0-9]{1,5}|" if method in BODILESS else "[0-9]{1,5}"}}
    stream = {"contains": "text/event-stream", "ignore_case": True}
    return [
        {"name": ":method", "string_match": {"exact": method}},
        {"name": "content-length", "string_match": length, "treat_missing_header_as_empty": True},
        {"name": "transfer-encoding", "present_match": True, "invert_match": True},
        {"name": "upgrade", "present_match": True, "invert_match": True},
        {"name": "accept", "string_match": stream, "invert_match": True, "treat_missing_header_as_empty": True},
    ]


def _mirror(copies: Copies) -> Json:
    """A copy has the user's Host, which applications check, and a header that says what it is."""
    marked = {"header": {"key": "x-fairway-mirror", "value": "true"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
    return {
        "request_mirror_policies": [
            {
                "cluster": copies.cluster,
                "runtime_fraction": {"default_value": {"numerator": copies.share, "denominator": "MILLION"}},
                "disable_shadow_host_suffix_append": True,
                "request_headers_mutations": [{"append": marked}],
            }
        ]
    }


def _retries(retries: int, *, hops: bool) -> Json:
    """All of them are tried from here: the gateway of another host tries once, and says where no replica was reached."""
    if retries <= 0:
        return {}
    unsent = {"retriable_headers": [{"name": UNSENT, "present_match": True}]} if hops else {}
    return {
        "retry_policy": {
            **unsent,
            "retry_on": f"{RETRY_ON},retriable-headers" if hops else RETRY_ON,
            "num_retries": retries,
            "retry_host_predicate": [
                {
                    "name": "envoy.retry_host_predicates.previous_hosts",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                    },
                }
            ],
            "host_selection_retry_max_attempts": ANOTHER,
            "retry_back_off": {"base_interval": "0.01s", "max_interval": "0.1s"},
        }
    }


def _text(status: int, text: str) -> Json:
    return {"status": status, "body": {"inline_string": text}}
