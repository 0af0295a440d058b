"""A Vault, asked over its HTTP API with a token that is kept alive as long as somebody works here."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
from msgspec.structs import replace

from fairway.model.errors import SecretError
from fairway.secrets.vault_auth import Login, Token
from fairway.secrets.vault_errors import Answer, forbidden, refused, silent

TIMEOUT = 15.0
TRIES = 4
"""How often it is asked that has had enough for now."""
SHARE = 2 / 3
"""Of a token's time after which it is renewed."""


class Vault:
    """`ca`: a file with the authority (PEM); the system's, where it is None. Close it at the end."""

    def __init__(self, address: str, login: Login, *, namespace: str = "", ca: str | None = None) -> None:
        self.address = address.rstrip("/")
        self.namespace = namespace
        self._login = login
        self._ca = ca
        self._client: httpx2.AsyncClient | None = None
        self._token: Token | None = None
        self._turn = asyncio.Lock()
        self._renewing: asyncio.Task[None] | None = None

    @property
    def token(self) -> str:
        """The one that is used now; empty before the first call."""
        return self._token.value.decode() if self._token else ""

    async def call(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None, params: Mapping[str, str] | None = None
    ) -> Answer:
        """With the token. 200, 204 and 404 are answers; for others, raises SecretError."""
        answer = await self._asked(method, path, body, params)
        if answer.status == 403 and self._token and self._token.again:
            self._token = None  # it was revoked, or has expired: a new one can be had
            answer = await self._asked(method, path, body, params)
        if answer.good or answer.status == 404:
            return answer
        if answer.status == 403:
            raise forbidden(path, answer, await self._asked("GET", "auth/token/lookup-self"))
        raise refused(self.address, path, answer)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        token: str = "",
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        """Whatever it answers; who has had enough is asked again, a little later."""
        headers = {"X-Vault-Request": "true"}
        headers |= {"X-Vault-Token": token} if token else {}
        headers |= {"X-Vault-Namespace": self.namespace} if self.namespace else {}
        client = await self._connected()
        url = httpx2.URL(f"{self.address}/v1/{quote(path)}", params=params)
        for attempt in range(TRIES):
            try:
                said = await client.request(method, url, json=body, headers=headers)
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise silent(self.address, error) from None
            if said.status_code == 307 and (there := url.join(said.headers.get("Location", ""))).scheme == url.scheme:
                url = there  # this one is a standby: it names the one that is active
            elif said.status_code == 429:
                await asyncio.sleep(0.25 * 2**attempt)
            else:
                break
        answer = Answer(said.status_code, _json(said))
        if answer.status in (501, 503):
            raise refused(self.address, path, answer)
        return answer

    async def close(self) -> None:
        """A token that nobody else has is revoked."""
        if self._renewing:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        if self._client is None:
            return
        try:
            if self._token and self._token.ours:
                await self.ask("POST", "auth/token/revoke-self", token=self._token.value.decode())
        except SecretError:
            pass  # it ends by itself
        finally:
            await self._client.aclose()
            self._client = self._token = None

    async def _asked(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, params: Mapping[str, str] | None = None
    ) -> Answer:
        async with self._turn:
            if self._token is None:
                self._token = await self._login.token(self.ask)
                self._keep_alive()
            token = self._token.value.decode()
        return await self.ask(method, path, body=body, token=token, params=params)

    def _keep_alive(self) -> None:
        if self._renewing:
            self._renewing.cancel()
        token = self._token
        self._renewing = asyncio.create_task(self._renew(token)) if token and token.ttl else None

    async def _renew(self, token: Token) -> None:
        """Until it can be renewed no longer: then a new one is had where it can be, when it is needed."""
        while token.renewable:
            await asyncio.sleep(token.ttl * SHARE)
            try:
                answer = await self.ask("POST", "auth/token/renew-self", body={}, token=token.value.decode())
            except SecretError:
                continue  # it may answer again before the token ends
            auth = answer.said.get("auth") or {}
            ttl = float(auth.get("lease_duration") or 0)
            if not answer.good or ttl < min(2.0, token.ttl / 2):  # the most that it may live is near
                break
            token = replace(token, ttl=ttl, renewable=bool(auth.get("renewable")))
            self._token = token
        if token.again:
            await asyncio.sleep(token.ttl * SHARE)
            self._token = None

    async def _connected(self) -> httpx2.AsyncClient:
        if self._client is None:
            _refuse_plain(self.address)
            context = await asyncio.to_thread(self._context)
            self._client = httpx2.AsyncClient(verify=context, timeout=TIMEOUT, follow_redirects=False)
        return self._client

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._ca)
        except (OSError, ssl.SSLError) as error:
            raise SecretError(f"{self._ca} cannot be used as an authority", why=str(error)) from None


def _json(said: httpx2.Response) -> Mapping[str, Any]:
    try:
        found = said.json() if said.content else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _refuse_plain(address: str) -> None:
    """Raises SecretError where anybody on the way could read what is said."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        near = ipaddress.ip_address(host).is_loopback
    except ValueError:
        near = host == "localhost"
    if not host:
        raise SecretError("nothing says where Vault is", hint="`address:` in fairway.yaml, or VAULT_ADDR")
    if parts.scheme != "https" and not near:
        raise SecretError(f"{address} is not encrypted: anybody on the way could read the secrets", hint="use https://")
