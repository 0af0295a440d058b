"""What certificates for users are had, kept and shown with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct

from fairway.model.edge import Seen, Showing
from fairway.model.issuance import Account, Issuances, Issued, Names, Order, Window


class Issuer(Protocol):
    """A certificate authority that is spoken to in ACME (RFC 8555). Every call may raise CertificateError."""

    async def account(self, known: Account | None) -> Account:
        """Ours: the known one, with its address brought up to date, or a new one. It is to be kept before anything is ordered."""

    async def order(self, account: Account, names: Names, replaces: Issued | None) -> Order:
        """A new order, to be kept: until it is finished, whoever comes next can go on with it."""

    async def answers(self, account: Account, order: Order) -> Mapping[str, str] | None:
        """What has to be answered, by token, at each of its names; None where the authority knows no such order any more."""

    async def finish(self, account: Account, order: Order) -> Issued:
        """The certificate, once the authority has seen the answers. Waits for it."""

    async def window(self, issued: Issued, now: float) -> Window | None:
        """When it is to be renewed; None where the authority does not say such things."""


class CertificateStore(Protocol):
    """Where certificates are kept, with their keys. Writers hold the environment's lease."""

    async def read(self) -> Issuances: ...

    async def write(self, issuances: Issuances) -> None: ...


class Edges(Protocol):
    """The gateways that users of TLS reach. Raises GatewayError."""

    async def answer_challenges(self, answers: Mapping[str, str]) -> None:
        """What each of them answers below /.well-known/acme-challenge/, at every host name; returns when all do."""

    async def present(self, showing: Showing) -> None:
        """Returns when all of them show it."""

    async def shown(self) -> Mapping[str, tuple[Seen, ...]]:
        """What each shows of this environment, by the name of its host."""


class Filed(Struct, frozen=True, kw_only=True):
    """A certificate from a file of this machine."""

    file: str
    seen: Seen


class Authority(Struct, frozen=True, kw_only=True):
    """Whom certificates are asked of. Times in seconds."""

    directory: str
    """Its address."""
    issuer: Callable[[], AbstractAsyncContextManager[Issuer]]
    wanted: Callable[[Collection[str]], Awaitable[tuple[Names, ...]]]
    """Of the host names that are routed, those to get certificates for: the names of each."""
    required: bool = True
    """Whether no user may be sent to a name without a certificate; else it is answered in plain HTTP meanwhile."""
    before: float | None = None
    """How long before its end a certificate is renewed; None: when the authority says so, or with a third of its time left."""


class Certifying(Struct, frozen=True, kw_only=True):
    """How an environment gets the certificates that its users are shown."""

    store: CertificateStore
    edges: Edges
    showing: Callable[[], Awaitable[Showing | None]]
    """What there is to be shown now: certificates from files first. None: what is shown stays."""
    files: Callable[[], tuple[Filed, ...]]
    authority: Authority | None = None
    """None where there are files alone."""
