"""An authority that issues certificates by ACME: fulfils ports.Issuer."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from fairway.acme.conversation import Answer, Conversation, client
from fairway.acme.jose import AccountKey, b64, binding, from_b64
from fairway.acme.problems import not_seen, refusal
from fairway.acme.request import certificate_id, issued, signing_request
from fairway.model.errors import CertificateError
from fairway.model.issuance import Account, Issued, Names, Order, Window
from fairway.model.secret import Secret
from fairway.net.certificates import new_key, pem_of

PATIENCE = 180.0
"""Seconds that an authority may take to look at a name, and to issue."""
LONGEST_PAUSE = 5.0
LOOK_AGAIN, SOONEST, LATEST = 6 * 3600.0, 60.0, 24 * 3600.0
"""Seconds between two questions when to renew: where the authority says nothing, and whatever it says (RFC 9773, 4.3)."""
UNDER_WAY = ("pending", "processing")
BUSY = ("silent", "rateLimited", "serverInternal")
"""Kinds of errors that say nothing about what was asked."""


class Customer(Struct, frozen=True):
    """Whose account it is to be, at an authority that knows its customers; `key` as the authority has given it."""

    kid: str
    key: Secret


class AcmeIssuer:
    """`customer` is asked for a new account alone."""

    def __init__(
        self, talk: Conversation, *, email: str = "", customer: Callable[[], Customer | None] = lambda: None
    ) -> None:
        self._talk = talk
        self._email = email
        self._customer = customer

    async def account(self, known: Account | None) -> Account:
        key = AccountKey(known.key if known else None)
        found = await self._account_of(key) if known else None
        if found is None:
            said = await self._ask_for_account(key)
            return Account(directory=self._talk.directory, url=said.place, key=key.pem, email=self._email)
        assert known
        if known.email != self._email:
            await self._talk.post(found.place, {"contact": self._contact}, key, found.place)
        return replace(known, url=found.place, email=self._email)

    async def _account_of(self, key: AccountKey) -> Answer | None:
        """None where the authority does not know it (any more)."""
        try:
            return await self._talk.post((await self._talk.known())["newAccount"], {"onlyReturnExisting": True}, key)
        except CertificateError as error:
            if error.kind != "accountDoesNotExist":
                raise
            return None

    async def _ask_for_account(self, key: AccountKey) -> Answer:
        url = (await self._talk.known())["newAccount"]
        asked: dict[str, Any] = {"termsOfServiceAgreed": True, "contact": self._contact}
        if customer := self._customer():
            try:
                secret = from_b64(customer.key.decode().strip())
            except ValueError:
                raise CertificateError(
                    "the file that `gateway.acme.eab.hmac_file` names holds no key", where=self._talk.where
                ) from None
            asked["externalAccountBinding"] = binding(key.jwk, customer.kid, secret, url)
        return await self._talk.post(url, asked, key)

    @property
    def _contact(self) -> list[str]:
        return [f"mailto:{self._email}"] if self._email else []

    async def order(self, account: Account, names: Names, replaces: Issued | None) -> Order:
        key, known = AccountKey(account.key), await self._talk.known()
        asked: dict[str, Any] = {"identifiers": [{"type": "dns", "value": name} for name in names]}
        if replaces and "renewalInfo" in known and (id_ := _id(replaces)):
            asked["replaces"] = id_
        try:
            said = await self._talk.post(known["newOrder"], asked, key, account.url, names=names)
        except CertificateError as error:
            if error.kind != "alreadyReplaced":
                raise
            del asked["replaces"]
            said = await self._talk.post(known["newOrder"], asked, key, account.url, names=names)
        return Order(directory=account.directory, names=names, url=said.place, key=pem_of(new_key()))

    async def answers(self, account: Account, order: Order) -> Mapping[str, str] | None:
        key = AccountKey(account.key)
        try:
            said = await self._talk.post(order.url, None, key, account.url)
        except CertificateError as error:
            if error.kind in BUSY:
                raise
            return None
        if said.body.get("status") == "invalid":
            return None
        found: dict[str, str] = {}
        for looked in await self._looks(said, key, account):
            if looked.body.get("status") == "pending":
                token = str(self._challenge(looked)["token"])
                found[token] = f"{token}.{key.thumbprint}"
            elif looked.body.get("status") != "valid":
                return None
        return found

    async def _looks(self, order: Answer, key: AccountKey, account: Account) -> list[Answer]:
        """What the authority has seen of each name so far."""
        urls = order.body.get("authorizations") or ()
        told = await asyncio.gather(*(self._talk.post(url, None, key, account.url) for url in urls))
        return sorted(told, key=_name)

    def _challenge(self, looked: Answer) -> Mapping[str, Any]:
        offered = [one for one in looked.body.get("challenges") or () if one.get("type") == "http-01"]
        if not offered:
            raise CertificateError(
                f"the authority does not look at {_name(looked)} over HTTP (http-01)", where=self._talk.where
            )
        return dict(offered[0])

    async def finish(self, account: Account, order: Order) -> Issued:
        key = AccountKey(account.key)
        said = await self._talk.post(order.url, None, key, account.url)
        if said.body.get("status") == "pending":
            await self._be_seen(said, key, account)
            said = await self._until(order.url, key, account, order.names)
        if said.body.get("status") == "ready":
            asked = {"csr": b64(signing_request(order))}
            await self._talk.post(said.body["finalize"], asked, key, account.url, names=order.names)
            said = await self._until(order.url, key, account, order.names, under_way=(*UNDER_WAY, "ready"))
        if said.body.get("status") != "valid":
            raise refusal(said.body.get("error") or {"title": "it says no reason"}, self._talk.where, names=order.names)
        chain = (await self._talk.post(said.body["certificate"], None, key, account.url)).text
        try:
            return issued(order, chain)
        except ValueError as error:
            raise CertificateError(
                "what the authority has issued cannot be used", where=self._talk.where, why=str(error)
            ) from None

    async def _be_seen(self, order: Answer, key: AccountKey, account: Account) -> None:
        """Raises CertificateError where some name has not been; with the others' reasons, too."""
        pending = [one for one in await self._looks(order, key, account) if one.body.get("status") == "pending"]
        told = await asyncio.gather(*(self._look(one, key, account) for one in pending), return_exceptions=True)
        errors = [error for error in told if isinstance(error, BaseException)]
        if errors:
            raise _together(errors)

    async def _look(self, looked: Answer, key: AccountKey, account: Account) -> None:
        """Let the authority look at one name, and wait for what it says."""
        challenge, name = self._challenge(looked), _name(looked)
        if challenge.get("status") == "pending":
            await self._talk.post(challenge["url"], {}, key, account.url, names=[name])
        said = await self._until(looked.place, key, account, [name])
        if said.body.get("status") != "valid":
            problem = self._challenge(said).get("error") or {"title": f"it is {said.body.get('status')}"}
            raise not_seen(problem, self._talk.where, name)

    async def _until(
        self,
        url: str,
        key: AccountKey,
        account: Account,
        names: Sequence[str],
        under_way: Collection[str] = UNDER_WAY,
    ) -> Answer:
        """What an order, or a look, has come to. Raises CertificateError where that takes too long."""
        deadline, pause = time.monotonic() + PATIENCE, 0.25
        while True:
            said = await self._talk.post(url, None, key, account.url, names=names)
            if said.body.get("status") not in under_way:
                return said
            wait = said.wait or pause
            if time.monotonic() + wait > deadline:
                raise CertificateError(
                    f"the authority is still at work on {', '.join(names)}",
                    where=self._talk.where,
                    hint="the next deployment, or `fairway certificates renew`, goes on with it",
                    kind="slow",
                    wait=said.wait,
                )
            await asyncio.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def window(self, issued: Issued, now: float) -> Window | None:
        known, id_ = await self._talk.known(), _id(issued)
        if "renewalInfo" not in known or not id_:
            return None
        said = await self._talk.get(f"{str(known['renewalInfo']).rstrip('/')}/{id_}")
        suggested = said.body.get("suggestedWindow") or {}
        try:
            start, end = (datetime.fromisoformat(suggested[edge]).timestamp() for edge in ("start", "end"))
        except (KeyError, TypeError, ValueError):
            return None
        wait = min(max(said.wait or LOOK_AGAIN, SOONEST), LATEST)
        return Window(start=start, end=end, again=now + wait) if start <= end else None


@asynccontextmanager
async def opened(
    directory: str,
    context: ssl.SSLContext,
    *,
    email: str = "",
    customer: Callable[[], Customer | None] = lambda: None,
) -> AsyncIterator[AcmeIssuer]:
    """`context` says whose servers are trusted."""
    async with client(context) as http:
        yield AcmeIssuer(Conversation(http, directory), email=email, customer=customer)


def _name(looked: Answer) -> str:
    return str((looked.body.get("identifier") or {}).get("value", ""))


def _id(issued: Issued) -> str:
    try:
        return certificate_id(issued.chain)
    except ValueError:
        return ""


def _together(errors: Sequence[BaseException]) -> BaseException:
    """One error for all names of a certificate."""
    known = [error for error in errors if isinstance(error, CertificateError)]
    if len(known) < len(errors) or len(errors) == 1:
        return next((error for error in errors if not isinstance(error, CertificateError)), errors[0])
    return CertificateError(
        "; ".join(error.what for error in known),
        where=known[0].where,
        why="\n".join(error.why for error in known),
        hint=known[0].hint,
        kind=known[0].kind,
        wait=max(error.wait for error in known),
    )
