"""The routing table of an environment, whole: what a gateway is told, and what it confirms."""

from __future__ import annotations

from msgspec import Struct, field

from fairway.model.edge import EdgeRoutes
from fairway.model.environment import Environment
from fairway.model.peers import Peer
from fairway.model.policy import Match, Mirror, Ready, Route


class Endpoint(Struct, frozen=True, order=True, omit_defaults=True):
    """One replica's address, which means it on its own host alone. A draining endpoint gets no new requests; those in flight go on."""

    address: str
    port: int
    draining: bool = False
    host: str = ""
    """Empty where there is but one host."""


class Backend(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One revision behind a route. `weight` 0: known to the gateway, without traffic."""

    revision: str
    digest: str
    endpoints: tuple[Endpoint, ...]
    weight: int = 0
    remote: tuple[Peer, ...] = ()
    """Where more replicas of it are: on other hosts. None of them may be this gateway's own."""
    name: str = ""
    """Where those that run are found, whoever moves them: in the gateway's DNS. Empty: by the addresses of the endpoints alone."""

    @property
    def open(self) -> bool:
        """Whether any replica takes new requests."""
        return any(not endpoint.draining for endpoint in self.endpoints) or any(peer.replicas for peer in self.remote)


class Steering(Struct, frozen=True, kw_only=True):
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


class RoutedService(Struct, frozen=True, kw_only=True, omit_defaults=True):
    service: str
    route: Route
    backends: tuple[Backend, ...]
    ready: Ready = field(default_factory=Ready)
    steering: Steering | None = None
    agreed: bool = True
    """Whether all gateways of a fleet have said the same."""


class RoutingTable(Struct, frozen=True, kw_only=True, omit_defaults=True):
    environment: Environment
    services: tuple[RoutedService, ...] = ()
    host: str = ""
    """Whose gateway it is for, where there are several hosts: its own replicas are offered to the others. Empty on a single host."""
    edge: EdgeRoutes | None = None
    """The gateway's own business: nobody else asks for it, or is told of it."""
