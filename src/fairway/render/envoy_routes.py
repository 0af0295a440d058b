"""Routing tables → Envoy's virtual hosts: by host, then by the longest path, then by the revisions' weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fairway.model.environment import Environment
from fairway.model.errors import GatewayRejected
from fairway.model.routes import RoutedService, RoutingTable
from fairway.render.envoy_clusters import cluster_name

Json = dict[str, Any]

ANY = "*"
NO_ROUTE = "No application answers at this address.\n"
NO_REPLICA = "The application cannot answer at the moment.\n"
"""What users are told, whether no replica should answer or none does: Envoy has one text for all its 503."""

# None of these reaches the replica with a request that it could already have acted upon.
RETRY_ON = "connect-failure,refused-stream,reset-before-request"


@dataclass(frozen=True, slots=True)
class _Claim:
    environment: Environment
    service: RoutedService

    @property
    def path(self) -> str:
        return "/" + self.service.route.path.strip("/")


def virtual_hosts(tables: Iterable[RoutingTable]) -> list[Json]:
    """One for each host, and always one for any other. Raises GatewayRejected where two services claim the same host and path."""
    claims = _claims(tables)
    anywhere = claims.pop(ANY, {})
    return [_virtual_host(host, [*_by_path(claims[host]), *_by_path(anywhere)]) for host in sorted(claims)] + [
        _virtual_host(ANY, _by_path(anywhere))
    ]


def _claims(tables: Iterable[RoutingTable]) -> dict[str, dict[str, _Claim]]:
    """By host, then by path."""
    found: dict[str, dict[str, _Claim]] = {}
    for table in tables:
        for service in table.services:
            claim = _Claim(table.environment, service)
            for host in dict.fromkeys(host.lower() for host in service.route.hosts):
                taken = found.setdefault(host, {}).setdefault(claim.path, claim)
                if taken is not claim:
                    raise _conflict(host, claim, taken)
    return found


def _conflict(host: str, claim: _Claim, taken: _Claim) -> GatewayRejected:
    place = f"{'any host' if host == ANY else host}{claim.path}"
    first, second = (f"{one.service.service} of {one.environment}" for one in (taken, claim))
    return GatewayRejected(
        f"{first} and {second} both want {place}",
        hint="Give one of them another host or path in its fairway.yaml, or take the other one down.",
    )


def _by_path(claims: dict[str, _Claim]) -> list[_Claim]:
    return [claims[path] for path in sorted(claims, key=lambda path: (-len(path), path))]


def _virtual_host(host: str, claims: list[_Claim]) -> Json:
    """A path is only looked at while none before it takes everything: the services for any host come last."""
    routes: list[Json] = []
    seen: set[str] = set()
    for claim in claims:
        if claim.path not in seen and "/" not in seen:
            routes.append(_route(claim))
            seen.add(claim.path)
    if "/" not in seen:
        routes.append({"name": "none", "match": {"prefix": "/"}, "direct_response": _text(404, NO_ROUTE)})
    return {"name": host, "domains": [host], "routes": routes}


def _route(claim: _Claim) -> Json:
    match = {"prefix": "/"} if claim.path == "/" else {"path_separated_prefix": claim.path}
    route: Json = {"name": f"{claim.environment.key}.{claim.service.service}", "match": match}
    weighted = [backend for backend in claim.service.backends if backend.weight > 0]
    if not weighted:
        return {**route, "direct_response": _text(503, NO_REPLICA)}
    names = [(cluster_name(claim.environment, backend), backend.weight) for backend in weighted]
    to: Json = {"cluster": names[0][0]}
    if len(names) > 1:
        to = {"weighted_clusters": {"clusters": [{"name": name, "weight": weight} for name, weight in names]}}
    timeout = f"{claim.service.route.timeout:.6f}".rstrip("0").rstrip(".") + "s"
    return {**route, "route": {**to, "timeout": timeout, "idle_timeout": "0s", **_retries(claim.service.route.retries)}}


def _retries(retries: int) -> Json:
    if retries <= 0:
        return {}
    return {
        "retry_policy": {
            "retry_on": RETRY_ON,
            "num_retries": retries,
            "retry_host_predicate": [
                {
                    "name": "envoy.retry_host_predicates.previous_hosts",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                    },
                }
            ],
            "host_selection_retry_max_attempts": 5,
            "retry_back_off": {"base_interval": "0.01s", "max_interval": "0.1s"},
        }
    }


def _text(status: int, text: str) -> Json:
    return {"status": status, "body": {"inline_string": text}}
