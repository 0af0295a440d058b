"""An authority in memory, the edges that answer it, and what is kept of its certificates."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fairway.model.edge import Certificate, Seen, Showing, mark
from fairway.model.errors import CertificateError, FairwayError, GatewayError
from fairway.model.issuance import Account, Issuances, Issued, Names, Order, Window
from fairway.model.secret import Secret
from fairway.ports.certificates import Authority, Certifying, Filed

DIRECTORY = "https://acme.test/dir"
KEY = Secret(b"a key")
DAY = 86400.0


@dataclass
class Town:
    """`clock` gives the time; `refuses` maps a host name, or a call, to the error that it meets."""

    clock: float = 0.0
    kept: Issuances = field(default_factory=Issuances)
    written: list[Issuances] = field(default_factory=list)
    refuses: dict[str, BaseException] = field(default_factory=dict)
    days: float = 90
    when: Window | None = None
    """What the authority says of renewals."""
    answering: dict[str, str] = field(default_factory=dict)
    """What the edges answer now."""
    seen: list[str] = field(default_factory=list)
    """What the authority has been asked."""
    shows: Showing = field(default_factory=Showing)
    edges_fail: FairwayError | None = None
    orders: dict[str, Names] = field(default_factory=dict)
    done: dict[str, Issued] = field(default_factory=dict)
    required: bool = True

    def certifying(self) -> Certifying:
        authority = Authority(
            directory=DIRECTORY, issuer=self.issuer, wanted=self.wanted, required=self.required, before=None
        )
        return Certifying(store=self, edges=self, showing=self.showing, files=self.files, authority=authority)

    def files(self) -> tuple[Filed, ...]:
        return ()

    async def wanted(self, hosts: Collection[str]) -> tuple[Names, ...]:
        return tuple((host,) for host in hosts)

    async def showing(self) -> Showing | None:
        issued = self.kept.shown(DIRECTORY, self.clock)
        return Showing(
            certificates=tuple(one.certificate for one in issued), plain=self.kept.lacking(DIRECTORY, self.clock)
        )

    @property
    def names(self) -> list[str]:
        """Of the certificates that are shown."""
        return [one.chain.partition(" ")[0] for one in self.shows.certificates]

    # The store

    async def read(self) -> Issuances:
        return self.kept

    async def write(self, issuances: Issuances) -> None:
        self.kept = issuances
        self.written.append(issuances)

    # The edges

    async def answer_challenges(self, answers: Mapping[str, str]) -> None:
        if self.edges_fail:
            raise self.edges_fail
        self.answering = dict(answers)

    async def present(self, showing: Showing) -> None:
        self.shows = showing

    async def shown(self) -> Mapping[str, tuple[Seen, ...]]:
        return {host: tuple(map(_seen, self.shows.certificates)) for host in ("web-1", "web-2")}

    # The authority

    @asynccontextmanager
    async def issuer(self) -> AsyncIterator[Town]:
        yield self

    async def account(self, known: Account | None) -> Account:
        await self._asked("account")
        return known or Account(directory=DIRECTORY, url="me", key=KEY)

    async def order(self, account: Account, names: Names, replaces: Issued | None) -> Order:
        await self._asked(f"order {' '.join(names)}", *names)
        url = f"order-{len(self.orders)}"
        self.orders[url] = names
        return Order(directory=DIRECTORY, names=names, url=url, key=Secret(url.encode()))

    async def answers(self, account: Account, order: Order) -> Mapping[str, str] | None:
        await self._asked("answers")
        if order.url in self.done:
            return {}
        return dict.fromkeys(order.names, order.url) if order.url in self.orders else None

    async def window(self, issued: Issued, now: float) -> Window | None:
        await self._asked("window")
        return self.when

    async def finish(self, account: Account, order: Order) -> Issued:
        await self._asked(f"finish {' '.join(order.names)}")
        if order.url in self.done:
            return self.done[order.url]
        for name in order.names:
            if error := self.refuses.get(name):
                del self.orders[order.url]
                raise error
            assert self.answering[name] == order.url, "every edge answers before the authority is told"
        issued = Issued(
            directory=DIRECTORY,
            names=order.names,
            chain=f"{order.names[0]} {order.url}",
            key=order.key,
            issuer="Test",
            begins=self.clock,
            ends=self.clock + self.days * DAY,
        )
        self.done[order.url] = issued
        if error := self.refuses.get("download"):
            raise error
        return issued

    async def _asked(self, what: str, *names: str) -> None:
        await asyncio.sleep(0)
        self.seen.append(what)
        for one in (what.partition(" ")[0], *(f"order of {name}" for name in names)):
            if error := self.refuses.get(one):
                raise error

    def refused(self, kind: str = "connection", wait: float = 0.0) -> CertificateError:
        return CertificateError("it is not reached", why="connection refused", kind=kind, wait=wait)


def _seen(certificate: Certificate) -> Seen:
    name = certificate.chain.partition(" ")[0]
    return Seen(names=(name,), issuer="Test", begins=0, ends=90 * DAY, mark=mark(certificate.chain))


def gone() -> GatewayError:
    return GatewayError("the gateway does not answer")
