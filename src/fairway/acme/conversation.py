"""Signed requests to an authority: each with a nonce that the authority has given out, and sent again where that was too old."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any

import httpx2
from msgspec import Struct

from fairway.acme.jose import AccountKey
from fairway.acme.problems import PREFIX, babble, refusal, silent
from fairway.model.errors import CertificateError

NONCES = 15
"""How many nonces are tried: an authority may refuse some that it has just given out."""
ATTEMPTS = 3
"""How often it is tried where nobody answers, or the authority has a fault of its own."""
PAUSE = 0.5
"""Seconds after the first of them; then twice as long."""
PATIENCE = httpx2.Timeout(30.0, connect=10.0)
JOSE = {"Content-Type": "application/jose+json"}


class Answer(Struct, frozen=True, kw_only=True):
    """`place` is the address of what was made, or read; `wait`: the seconds after which one may ask again, 0 where nothing is said."""

    body: Mapping[str, Any]
    text: str
    place: str = ""
    wait: float = 0.0


class Conversation:
    """With the authority whose directory is at `directory`."""

    def __init__(self, http: httpx2.AsyncClient, directory: str) -> None:
        self._http = http
        self.directory = directory
        self.where = httpx2.URL(directory).host
        self._asking: asyncio.Future[Mapping[str, Any]] | None = None
        self._nonces: list[str] = []

    async def known(self) -> Mapping[str, Any]:
        """The directory: where is what. Asked for once, whoever waits for it."""
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._directory())
        return await asyncio.shield(self._asking)

    async def _directory(self) -> Mapping[str, Any]:
        said = await self._send(lambda: self._http.get(self.directory))
        found = _read(said)
        if not isinstance(found.get("newOrder"), str) or not isinstance(found.get("newNonce"), str):
            raise babble(self.where, said.status_code, said.text)
        return found

    async def get(self, url: str) -> Answer:
        """What needs no signature."""
        return self._understood(await self._send(lambda: self._http.get(url)))

    async def post(
        self,
        url: str,
        payload: Mapping[str, Any] | None,
        key: AccountKey,
        account: str = "",
        *,
        names: Sequence[str] = (),
    ) -> Answer:
        """`payload` None reads. `account` is its address, once there is one; `names` the hosts that it is about.

        Raises CertificateError.
        """
        who = {"kid": account} if account else {"jwk": key.jwk}
        for attempt in range(NONCES):
            nonce = await self._nonce(fresh=attempt > 2)
            signed = key.sign({"nonce": nonce, "url": url, **who}, payload)
            said = await self._send(lambda body=signed: self._http.post(url, json=body, headers=JOSE))  # type: ignore[misc]
            if _read(said).get("type") != f"{PREFIX}badNonce":
                return self._understood(said, names)
        raise CertificateError(
            "the authority refuses every nonce that it gives out", where=self.where, why=said.text[:200]
        )

    async def _nonce(self, *, fresh: bool) -> str:
        if fresh:
            self._nonces.clear()
        if not self._nonces:
            url = (await self.known())["newNonce"]
            await self._send(lambda: self._http.head(url))
        if not self._nonces:
            raise babble(self.where, 200, "it gives out no nonce")
        return self._nonces.pop()

    async def _send(self, ask: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
        """Whatever the answer is; once more where there is none. Nonces that come with it are kept."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                said = await ask()
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                if attempt == ATTEMPTS:
                    raise silent(self.where, error) from error
            else:
                if nonce := said.headers.get("Replay-Nonce"):
                    self._nonces.append(nonce)
                if said.status_code < 500 or attempt == ATTEMPTS or _wait(said):
                    return said
            await asyncio.sleep(PAUSE * 2 ** (attempt - 1))
        raise AssertionError

    def _understood(self, said: httpx2.Response, names: Sequence[str] = ()) -> Answer:
        body = _read(said)
        if said.status_code >= 400:
            if "type" not in body and "detail" not in body:
                raise babble(self.where, said.status_code, said.text)
            raise refusal(body, self.where, names=names, status=said.status_code, wait=_wait(said))
        return Answer(body=body, text=said.text, place=said.headers.get("Location", str(said.url)), wait=_wait(said))


def trusting(ca: str | None = None) -> ssl.SSLContext:
    """Public authorities, and that of the server's own certificate (PEM) where no public one signed it. Raises ValueError."""
    try:
        context = ssl.create_default_context(cadata=ca)
    except ssl.SSLError as error:
        raise ValueError(f"it holds no certificate in PEM ({error.reason or error})") from None
    if ca:
        context.load_default_certs()
    return context


def client(context: ssl.SSLContext) -> httpx2.AsyncClient:
    headers = {"User-Agent": f"fairway/{version('fairway')}", "Accept-Language": "en"}
    return httpx2.AsyncClient(verify=context, timeout=PATIENCE, headers=headers, follow_redirects=True)


def _read(said: httpx2.Response) -> Mapping[str, Any]:
    """Its JSON; nothing where it has none."""
    try:
        found = said.json() if "json" in said.headers.get("Content-Type", "") else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _wait(said: httpx2.Response) -> float:
    """Retry-After: seconds, or a date."""
    text = said.headers.get("Retry-After", "")
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time()) if text else 0.0
    except ValueError:
        return 0.0
