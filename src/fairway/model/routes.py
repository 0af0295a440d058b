"""The routing table of an environment, whole: what a gateway is told, and what it confirms."""

from __future__ import annotations

from dataclasses import dataclass, field

from fairway.model.environment import Environment
from fairway.model.policy import Ready, Route


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """One replica's address. A draining endpoint gets no new requests; those in flight go on."""

    address: str
    port: int
    draining: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One revision behind a route. `weight` 0: known to the gateway, without traffic."""

    revision: str
    digest: str
    endpoints: tuple[Endpoint, ...]
    weight: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedService:
    service: str
    route: Route
    backends: tuple[Backend, ...]
    ready: Ready = field(default_factory=Ready)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingTable:
    environment: Environment
    services: tuple[RoutedService, ...] = ()
