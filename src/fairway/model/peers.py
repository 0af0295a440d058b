"""The gateways of other hosts, and what they are called where they show who they are."""

from __future__ import annotations

from urllib.parse import quote

from msgspec import Struct

from fairway.model.secret import Secret

PEERS_PORT = 9443
"""Where a gateway listens for the gateways of other hosts, and for nobody else."""
GATEWAYS = "spiffe://fairway/gateway/"
"""What the names of all gateways begin with."""


class Peer(Struct, frozen=True, order=True, kw_only=True):
    """The gateway of another host, which has so many of a revision's replicas behind it."""

    host: str
    address: str
    port: int = PEERS_PORT
    replicas: int = 1


class Identity(Struct, frozen=True, kw_only=True):
    """What the gateway of a host shows, and whom it trusts, as PEM texts. `trusted` has one authority or several."""

    host: str
    certificate: str
    key: Secret
    trusted: str


def gateway_name(host: str) -> str:
    """What the certificate of the host's gateway says that it is: a URI, and so no name of any other kind of server."""
    return f"{GATEWAYS}{quote(host, safe='')}"
