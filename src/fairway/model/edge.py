"""What the gateways that take public traffic show to users, and tell them, so that they speak TLS."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from msgspec import Struct, field

from fairway.model.secret import Secret


class Certificate(Struct, frozen=True, kw_only=True):
    """PEM texts. `chain` begins with the certificate that `key` belongs to; those that signed it follow."""

    chain: str
    key: Secret


class Seen(Struct, frozen=True, kw_only=True):
    """What a certificate says: for whom, by whom, from when, and until when (seconds since the epoch). `mark` tells it from all others."""

    names: tuple[str, ...]
    issuer: str
    begins: float
    ends: float
    mark: str


def mark(chain: str) -> str:
    """Of a certificate with those that signed it, as a PEM text."""
    return hashlib.sha256(chain.strip().encode()).hexdigest()[:16]


class Showing(Struct, frozen=True, kw_only=True):
    """What users are shown: the first one to who names no host. `plain`: names that are to have a certificate, and have none yet."""

    certificates: tuple[Certificate, ...] = ()
    plain: tuple[str, ...] = ()
    partial: bool = False
    """There may be more, which this machine does not have: what is shown for other names than these stays."""


class EdgeRoutes(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the gateway itself answers for an environment, before any of its services is asked."""

    redirect: int = 0
    """The port that requests in plain HTTP are sent to; 0: they are answered."""
    plain: tuple[str, ...] = ()
    """Host names that are not redirected all the same: there is no certificate for them yet."""
    challenges: Mapping[str, str] = field(default_factory=dict)
    """What a certificate authority wants to read below /.well-known/acme-challenge/, by the last part of the path."""
