"""What pebble does not do: limits, faults, and when to renew (RFC 9773). The transport is a double; all else is real."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from fairway.acme.conversation import Conversation, trusting
from fairway.acme.issuer import AcmeIssuer
from fairway.acme.problems import PREFIX
from fairway.acme.request import certificate_id
from fairway.model.errors import CertificateError
from fairway.model.issuance import Account, Issued
from fairway.model.secret import Secret
from fairway.net.certificates import new_key, pem_of

pytestmark = pytest.mark.anyio

DIRECTORY = "https://acme.test/dir"
ACCOUNT = Account(directory=DIRECTORY, url="https://acme.test/me", key=pem_of(new_key()))
Answer = Callable[[dict[str, Any]], httpx2.Response]


class Server:
    """`answers` by path, one after the other; the last one goes on."""

    def __init__(self, **answers: list[Answer]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Any]] = []

    def issuer(self) -> AcmeIssuer:
        return AcmeIssuer(Conversation(httpx2.AsyncClient(transport=httpx2.MockTransport(self.handle)), DIRECTORY))

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        name = request.url.path.split("/")[1]
        if name == "dir":
            names = {"newNonce": "nonce", "newAccount": "account", "newOrder": "order", "renewalInfo": "renewal"}
            return httpx2.Response(200, json={key: f"https://acme.test/{path}" for key, path in names.items()})
        if name == "nonce":
            return httpx2.Response(200, headers={"Replay-Nonce": "n"})
        body = json.loads(request.content)["payload"] if request.content else ""
        payload = json.loads(urlsafe_b64decode(body + "==")) if body else None
        self.asked.append((request.url.path, payload))
        answers = self.answers[name]
        return (answers.pop(0) if len(answers) > 1 else answers[0])(payload)


def problem(status: int, kind: str, detail: str = "so it is", **headers: str) -> Answer:
    body = {"type": f"{PREFIX}{kind}", "detail": detail}
    return lambda _: httpx2.Response(
        status,
        content=json.dumps(body),
        headers={"Content-Type": "application/problem+json", "Replay-Nonce": "m", **headers},
    )


def said(body: dict[str, Any], **headers: str) -> Answer:
    return lambda _: httpx2.Response(200, json=body, headers={"Replay-Nonce": "m", **headers})


def certificate(serial: int = 0x87654321) -> str:
    """With the identifier of its signer that RFC 9773 has in its example."""
    key, now = new_key(), datetime.now(UTC)
    name = x509.Name([])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(serial).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    signer = bytes.fromhex("69885b6b87464041e1b37b847bd0ae2cde01c8d4")
    made = made.add_extension(x509.AuthorityKeyIdentifier(signer, None, None), critical=False)
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def issued() -> Issued:
    return Issued(
        directory=DIRECTORY, names=("a.test",), chain=certificate(), key=Secret(b""), issuer="", begins=0, ends=1
    )


async def test_a_limit_says_until_when_and_a_fault_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "sleep", lambda _seconds: no_time())
    later = (datetime.now(UTC) + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    for header in ("3600", later):
        limited = Server(order=[problem(429, "rateLimited", "too many certificates", **{"Retry-After": header})])
        with pytest.raises(CertificateError, match="takes no more requests") as caught:
            await limited.issuer().order(ACCOUNT, ("a.test",), None)
        assert 3590 < caught.value.wait <= 3600
        assert caught.value.why == "too many certificates"
        assert len(limited.asked) == 1
    busy = problem(503, "rateLimited", "busy", **{"Retry-After": "120"})
    server = Server(order=[lambda _: httpx2.Response(502, text="bad gateway"), busy])
    with pytest.raises(CertificateError) as caught:
        await server.issuer().order(ACCOUNT, ("a.test",), None)
    assert (caught.value.wait, len(server.asked)) == (120, 2)
    other = Server(order=[lambda _: httpx2.Response(404, text="<html>nothing here</html>")])
    with pytest.raises(CertificateError, match="speaks no ACME"):
        await other.issuer().order(ACCOUNT, ("a.test",), None)


async def test_old_nonces_are_replaced_and_not_for_ever() -> None:
    server = Server(order=[*[problem(400, "badNonce")] * 5, said({}, Location="https://acme.test/o/1")])
    assert (await server.issuer().order(ACCOUNT, ("a.test",), None)).url == "https://acme.test/o/1"
    with pytest.raises(CertificateError, match="refuses every nonce"):
        await Server(order=[problem(400, "badNonce")]).issuer().order(ACCOUNT, ("a.test",), None)


async def test_several_names_that_are_refused_are_all_told() -> None:
    whole = {
        "type": f"{PREFIX}rejectedIdentifier",
        "detail": "some are forbidden",
        "subproblems": [{"identifier": {"type": "dns", "value": name}} for name in ("b.test", "c.test")],
    }
    server = Server(order=[lambda _: httpx2.Response(400, json=whole)])
    with pytest.raises(CertificateError, match=r"no certificates for b\.test, c\.test"):
        await server.issuer().order(ACCOUNT, ("a.test", "b.test", "c.test"), None)


async def test_when_to_renew() -> None:
    one = issued()
    assert certificate_id(one.chain) == "aYhba4dGQEHhs3uEe9CuLN4ByNQ.AIdlQyE", "as in the RFC"
    window = {"suggestedWindow": {"start": "2026-01-02T04:00:00Z", "end": "2026-01-03T04:00:00Z"}}
    server = Server(renewal=[said(window, **{"Retry-After": "21600"}), said({}), said(window, **{"Retry-After": "1"})])
    found = await server.issuer().window(one, 0)
    assert found
    assert found.end - found.start == 86400
    assert found.again == 21600
    assert server.asked[0][0] == "/renewal/aYhba4dGQEHhs3uEe9CuLN4ByNQ.AIdlQyE"
    assert await server.issuer().window(one, 0) is None
    assert (found := await server.issuer().window(one, 0))
    assert found.again == 60, "never sooner than in a minute"


async def test_an_order_says_what_it_replaces_unless_that_is_done() -> None:
    server = Server(order=[problem(409, "alreadyReplaced"), said({}, Location="https://acme.test/o/1")])
    await server.issuer().order(ACCOUNT, ("a.test",), issued())
    first, second = (payload for _, payload in server.asked)
    assert first["replaces"] == "aYhba4dGQEHhs3uEe9CuLN4ByNQ.AIdlQyE"
    assert "replaces" not in second


async def test_an_account_that_is_closed_is_no_host_that_is_not_seen() -> None:
    server = Server(order=[problem(403, "unauthorized", "account is deactivated")])
    with pytest.raises(CertificateError, match=r"^the authority refuses$") as caught:
        await server.issuer().order(ACCOUNT, ("a.test",), None)
    assert caught.value.why == "account is deactivated (unauthorized)"


async def no_time() -> None:
    return None


async def test_whose_servers_are_trusted() -> None:
    trusting(certificate())
    with pytest.raises(ValueError, match="no certificate in PEM"):
        trusting("nothing of the kind")
