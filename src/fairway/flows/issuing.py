"""Certificates are asked for, answered for at every edge, and had: one round, under the environment's lease."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from fairway.flows.renewal import asked_again, failed, had, ordered, windowed
from fairway.model.errors import CertificateError, FairwayError
from fairway.model.events import Emit, Note
from fairway.model.issuance import Account, Issuances, Issued, Names, Order, Window
from fairway.ports.certificates import Authority, Certifying, Issuer

T = TypeVar("T")

SIDE_BY_SIDE = 8
"""Orders at a time."""
DAY, HOUR = 86400.0, 3600.0


class Round:
    """All that is due, side by side: one answers for all of it at once, and one failure stops no other."""

    def __init__(self, certifying: Certifying, authority: Authority, now: float, emit: Emit) -> None:
        self._certifying = certifying
        self._authority = authority
        self._now = now
        self._emit = emit
        self._turn = asyncio.Semaphore(SIDE_BY_SIDE)

    async def have(self, kept: Issuances, due: Sequence[Names]) -> Issuances:
        directory, now = self._authority.directory, self._now
        try:
            async with self._authority.issuer() as issuer:
                known = kept.account(directory)
                left = any(kept.order(directory, names) for names in due)
                account = await issuer.account(known)
                others = [one for one in kept.accounts if one.directory != directory]
                kept = replace(kept, accounts=(*others, account))
                orders, errors = await self._order(issuer, account, kept, due)
                kept = ordered(kept, (order for order, _ in orders))
                await self._certifying.store.write(kept)  # whoever follows, should this end now, goes on with them
                answers = {token: text for _, asked in orders for token, text in asked.items()}
                async with self._answering(answers, left=left):
                    told = await self._finish(issuer, account, [order for order, _ in orders])
        except CertificateError as refusal:  # the account, or the authority itself
            told, errors = {}, dict.fromkeys(due, refusal)
        for issued in told.values():
            if isinstance(issued, Issued):
                kept = had(kept, issued, now)
        refused = {names: error for names, error in told.items() if isinstance(error, CertificateError)}
        for names, error in {**errors, **refused}.items():
            kept = failed(kept, directory, names, error, now)
        return kept

    async def _order(
        self, issuer: Issuer, account: Account, kept: Issuances, due: Sequence[Names]
    ) -> tuple[list[tuple[Order, Mapping[str, str]]], dict[Names, CertificateError]]:
        """Each order with what is to be answered; and why there is none."""
        asked = {names: self._ordered(issuer, account, kept, names) for names in due}
        told = await _each(asked.values())
        errors = {names: said for names, said in zip(due, told, strict=True) if isinstance(said, CertificateError)}
        return [said for said in told if not isinstance(said, CertificateError)], errors

    async def _ordered(
        self, issuer: Issuer, account: Account, kept: Issuances, names: Names
    ) -> tuple[Order, Mapping[str, str]]:
        """The order that somebody has left unfinished, or a new one."""
        async with self._turn:
            order = kept.order(account.directory, names)
            answers = await issuer.answers(account, order) if order else None
            if order is None or answers is None:
                order = await issuer.order(account, names, kept.of(account.directory, names))
                answers = await issuer.answers(account, order)
            if answers is None:
                raise CertificateError("the authority does not know its own order", where=host_of(account.directory))
            return order, answers

    async def _finish(
        self, issuer: Issuer, account: Account, orders: Sequence[Order]
    ) -> dict[Names, Issued | CertificateError]:
        async def finish(order: Order) -> Issued:
            async with self._turn:
                return await issuer.finish(account, order)

        told = await _each([finish(order) for order in orders])
        return {order.names: said for order, said in zip(orders, told, strict=True)}

    @asynccontextmanager
    async def _answering(self, answers: Mapping[str, str], *, left: bool) -> AsyncIterator[None]:
        """Every edge answers, and whatever happens none does any more afterwards; nor what somebody has `left` there."""
        edges = self._certifying.edges
        if not answers and not left:
            yield
            return
        try:
            await edges.answer_challenges(answers)
            yield
        finally:
            try:
                await edges.answer_challenges({})
            except FairwayError as error:  # they are known to nobody but the authority, which has seen them
                self._emit(Note(f"what the authority has read is still there: {error.what}", "warning"))


async def with_windows(authority: Authority, kept: Issuances, now: float) -> Issuances:
    """With what the authority says of when to renew, where it may be asked again. It need not answer."""
    directory = authority.directory
    asked = [one for one in kept.shown(directory, now) if one.directory == directory and asked_again(one, now)]
    if not asked:
        return kept
    async with authority.issuer() as issuer:
        told = await _each([issuer.window(one, now) for one in asked])
    silence = Window(start=0, end=0, again=now + DAY)
    for issued, said in zip(asked, told, strict=True):
        window = said if isinstance(said, Window) else silence
        if isinstance(said, CertificateError):
            window = replace(issued.window or silence, again=now + HOUR)
        kept = windowed(kept, issued, window)
    return kept


async def _each(calls: Iterable[Awaitable[T]]) -> list[T | CertificateError]:
    """All of them to their end; what an authority refuses is an answer."""
    told = await asyncio.gather(*calls, return_exceptions=True)
    found: list[T | CertificateError] = []
    for said in told:
        if isinstance(said, BaseException) and not isinstance(said, CertificateError):
            raise said
        found.append(said)
    return found


def host_of(directory: str) -> str:
    """What an authority is called."""
    return urlsplit(directory).hostname or directory


def together(names: Names) -> str:
    return " and ".join(names)


def moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
