"""What the gateways that take public traffic show to users, and tell them, so that they speak TLS."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from fairway.model.secret import Secret


class Certificate(Struct, frozen=True, kw_only=True):
    """PEM texts. `chain` begins with the certificate that `key` belongs to; those that signed it follow."""

    chain: str
    key: Secret


class EdgeRoutes(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the gateway itself answers for an environment, before any of its services is asked."""

    redirect: int = 0
    """The port that requests in plain HTTP are sent to; 0: they are answered."""
    challenges: Mapping[str, str] = field(default_factory=dict)
    """What a certificate authority wants to read below /.well-known/acme-challenge/, by the last part of the path."""
