"""The protocol, with a real server: accounts, orders, what is answered, and what is refused."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

import pytest

from fairway.acme.conversation import trusting
from fairway.acme.issuer import AcmeIssuer, Customer, opened
from fairway.model.errors import CertificateError
from fairway.model.issuance import Account, Order
from fairway.model.secret import Secret
from fairway.net.certificates import read
from tests.lab.acme import BLOCKED, CUSTOMER, HMAC, AcmeServer

pytestmark = pytest.mark.anyio


def issuer(
    server: AcmeServer, *, email: str = "", customer: Customer | None = None
) -> AbstractAsyncContextManager[AcmeIssuer]:
    return opened(server.url, trusting(server.ca.read_text()), email=email, customer=lambda: customer)


async def answered(server: AcmeServer, account: Account, order: Order, by: AcmeIssuer) -> Mapping[str, str]:
    asked = await by.answers(account, order)
    assert asked is not None
    for token, text in asked.items():
        server.answer(token, text)
    return asked


async def test_certificates_are_had_and_had_again(server: AcmeServer) -> None:
    for name in ("a.test", "b.test", "c.test"):
        server.name(name, server.address)
    async with issuer(server, email="ops@example.com") as one:
        account = await one.account(None)
        assert await one.account(account) == account, "it is known again"
        order = await one.order(account, ("a.test", "b.test"), None)
        assert len(await answered(server, account, order, one)) == 2
    async with issuer(server, email="dev@example.com") as another:
        """Whoever goes on has what was kept, and no more."""
        account = await another.account(account)
        assert account.email == "dev@example.com"
        issued = await another.finish(account, order)
        facts = read(issued.certificate)
        assert set(facts.names) == {"a.test", "b.test"} == set(issued.names)
        assert 89 < (issued.ends - issued.begins) / 86400 < 91
        assert "Pebble" in issued.issuer
        assert await another.finish(account, order) == issued, "an order that is done gives what it gave"
        assert await another.window(issued, time.time()) is None, "pebble says nothing of renewals"
        following = await another.order(account, ("c.test",), issued)
        await answered(server, account, following, another)
        assert (await another.finish(account, following)).key != issued.key


async def test_what_the_authority_does_not_see_is_told_with_its_reason(server: AcmeServer) -> None:
    server.name("wrong.test", server.address)
    async with issuer(server) as one:
        account = await one.account(None)
        for names, kind, words in (
            (("wrong.test",), "unauthorized", "what is answered at wrong.test"),
            (("nowhere.test", "wrong.test"), "", "nowhere.test on port 80; what is answered at wrong.test"),
        ):
            order = await one.order(account, names, None)
            with pytest.raises(CertificateError, match=words) as caught:
                await one.finish(account, order)
            assert caught.value.hint
            assert caught.value.kind == kind or not kind
            assert await one.answers(account, order) is None, "it is of no use any more"
        server.name("closed.test", "127.0.0.9")
        with pytest.raises(CertificateError, match=r"cannot reach closed\.test on port 80"):
            await one.finish(account, await one.order(account, ("closed.test",), None))
        with pytest.raises(CertificateError, match=r"issues no certificates for blocked\.test"):
            await one.order(account, (BLOCKED,), None)


async def test_an_authority_that_has_forgotten_us_and_one_that_wants_to_know_who_asks(server: AcmeServer) -> None:
    async with issuer(server) as one:
        account = await one.account(None)
        order = await one.order(account, ("a.test",), None)
    server.restart(
        http_port=5002,
        known_customers=True,
        PEBBLE_WFE_NONCEREJECT="60",
        PEBBLE_VA_NOSLEEP="0",
        PEBBLE_VA_SLEEPTIME="3",
    )
    server.name("a.test", server.address)
    async with issuer(server) as one:
        with pytest.raises(CertificateError, match="has to be told whose customer asks"):
            await one.account(account)
    async with issuer(server, customer=Customer(CUSTOMER, Secret(b"AAAA"))) as one:
        with pytest.raises(CertificateError, match="refuses"):
            await one.account(account)
    async with issuer(server, customer=Customer(CUSTOMER, Secret(HMAC.encode()))) as one:
        again = await one.account(account)
        assert again.key == account.key
        assert await one.answers(again, order) is None
        order = await one.order(again, ("a.test",), None)
        await answered(server, again, order, one)
        assert (await one.finish(again, order)).names == ("a.test",)
    server.stop()
    async with issuer(server) as one:
        with pytest.raises(CertificateError, match="does not answer"):
            await one.account(account)
    async with opened(f"https://{server.address}:1/dir", trusting()) as one:
        with pytest.raises(CertificateError) as caught:
            await one.account(None)
    assert str(caught.value) == "the authority does not answer"
