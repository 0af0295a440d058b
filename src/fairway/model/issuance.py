"""Certificates for users that an authority has issued, and what is under way with it: what the hosts keep.

Keys are PEM texts, times seconds since the epoch. `directory` is the address of the authority: what one has issued is none of another's.
"""

from __future__ import annotations

from msgspec import Struct

from fairway.model.edge import Certificate
from fairway.model.secret import Secret

Names = tuple[str, ...]
"""The host names of one certificate."""


class Account(Struct, frozen=True, kw_only=True):
    """Who we are to an authority. `email` is what it was told last."""

    directory: str
    url: str
    key: Secret
    email: str = ""


class Order(Struct, frozen=True, kw_only=True):
    """Asked for, and not had yet. The key is the certificate's: whoever goes on with the order needs the same."""

    directory: str
    names: Names
    url: str
    key: Secret


class Window(Struct, frozen=True, kw_only=True):
    """When the authority wants a certificate to be renewed; `again`: when it may be asked about that once more."""

    start: float
    end: float
    again: float


class Issued(Struct, frozen=True, kw_only=True):
    """A certificate that was had. `chain` begins with it; `issuer` is for people."""

    directory: str
    names: Names
    chain: str
    key: Secret
    issuer: str
    begins: float
    ends: float
    window: Window | None = None

    @property
    def certificate(self) -> Certificate:
        return Certificate(chain=self.chain, key=self.key)


class Failure(Struct, frozen=True, kw_only=True):
    """Why there is no certificate for these names, or no new one: the last of `count` in a row."""

    directory: str
    names: Names
    at: float
    count: int
    what: str
    why: str = ""
    hint: str = ""
    until: float = 0.0
    """It is not tried again by itself before that."""
    told: bool = False
    """The authority has said so: nobody may ask it before."""


class Issuances(Struct, frozen=True, kw_only=True):
    """All of it, for one environment. Of two, the one with the higher `sequence` is the later."""

    sequence: int = 0
    wanted: tuple[Names, ...] = ()
    """What there is to be one for, as far as is known: the names of each."""
    accounts: tuple[Account, ...] = ()
    orders: tuple[Order, ...] = ()
    issued: tuple[Issued, ...] = ()
    failures: tuple[Failure, ...] = ()

    def account(self, directory: str) -> Account | None:
        return next((one for one in self.accounts if one.directory == directory), None)

    def order(self, directory: str, names: Names) -> Order | None:
        return next((one for one in self.orders if (one.directory, one.names) == (directory, names)), None)

    def of(self, directory: str, names: Names) -> Issued | None:
        """The certificate with these names, or with more, that ends last."""
        found = [one for one in self.issued if one.directory == directory and set(names) <= set(one.names)]
        return max(found, key=lambda one: one.ends, default=None)

    def failure(self, directory: str, names: Names) -> Failure | None:
        return next((one for one in self.failures if (one.directory, one.names) == (directory, names)), None)

    def shown(self, directory: str, now: float) -> tuple[Issued, ...]:
        """What there is to show, each once. Where there is nothing for all names of a group: what is still good for some of them."""
        found: list[Issued] = []
        for names in self.wanted:
            whole = self.of(directory, names)
            found += [whole] if whole else [one for name in names if (one := self._any(name, now))]
        return tuple(dict.fromkeys(found))

    def lacking(self, directory: str, now: float) -> tuple[str, ...]:
        """The wanted names that nothing has been issued for."""
        there = {name for one in self.shown(directory, now) for name in one.names}
        return tuple(name for names in self.wanted for name in names if name not in there)

    def _any(self, name: str, now: float) -> Issued | None:
        """Whoever has issued it, and whatever else it is for."""
        found = [one for one in self.issued if name in one.names and one.ends > now]
        return max(found, key=lambda one: one.ends, default=None)
