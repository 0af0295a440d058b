"""The routing table of an environment, whole: what a gateway is told, and what it confirms."""

from __future__ import annotations

from dataclasses import dataclass, field

from fairway.model.environment import Environment
from fairway.model.peers import Peer
from fairway.model.policy import Match, Mirror, Ready, Route


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
    remote: tuple[Peer, ...] = ()
    """Where more replicas of it are: on other hosts. None of them may be this gateway's own."""

    @property
    def open(self) -> bool:
        """Whether any replica takes new requests."""
        return any(not endpoint.draining for endpoint in self.endpoints) or any(peer.replicas for peer in self.remote)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """Which requests `revision` gets beside, or instead of, its weight. It is one of the service's backends."""

    revision: str
    match: tuple[Match, ...] = ()
    """Requests with any of these go to it, whatever the weights say."""
    mirror: Mirror | None = None
    """Of the requests that others answer, it gets copies."""
    preview: str = ""
    """On this host name it alone answers."""
    sticky: str = ""
    """The weights are shares of users, told apart by a cookie; this salt says which users. Empty: shares of requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedService:
    service: str
    route: Route
    backends: tuple[Backend, ...]
    ready: Ready = field(default_factory=Ready)
    steering: Steering | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingTable:
    environment: Environment
    services: tuple[RoutedService, ...] = ()
    host: str = ""
    """Whose gateway it is for, where there are several hosts: its own replicas are offered to the others. Empty on a single host."""
