"""A registry, asked over its HTTP API (the OCI distribution specification): ports.Registry."""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx2

from fairway.model.errors import RegistryError
from fairway.registry.credentials import Credentials, DockerConfig
from fairway.registry.errors import refused, silent
from fairway.registry.reference import Reference, may_be_plain

MANIFESTS = ", ".join(
    [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
)
CERTIFICATES = Path("/etc/docker/certs.d")
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
PAGE = 1000


class HttpRegistry:
    """`insecure`: registries, addresses or networks that need no TLS; or who knows them, asked when it is needed.

    `certificates` holds a directory for each registry with authorities (*.crt) and client certificates (*.cert, *.key).
    Times in seconds.
    """

    def __init__(
        self,
        *,
        config: DockerConfig | None = None,
        insecure: Collection[str] | Callable[[], Awaitable[Collection[str]]] = (),
        certificates: Path = CERTIFICATES,
        timeout: float = 15.0,
    ) -> None:
        self._config = config or DockerConfig()
        self._insecure = insecure
        self._certificates = certificates
        self._timeout = timeout

    async def digest(self, reference: str) -> str | None:
        wanted = Reference.parse(reference)
        path = f"{wanted.repository}/manifests/{wanted.version}"
        async with self.session(wanted) as session:
            answer = await session.ask("HEAD", path, {"Accept": MANIFESTS})
            if answer.status_code == 200 and "Docker-Content-Digest" not in answer.headers:
                answer = await session.ask("GET", path, {"Accept": MANIFESTS})
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise refused(wanted, answer.status_code, answer.text, known=session.known)
        return answer.headers.get("Docker-Content-Digest") or f"sha256:{hashlib.sha256(answer.content).hexdigest()}"

    async def tags(self, repository: str) -> tuple[str, ...]:
        """Sorted. Raises RegistryError for a repository that the registry does not know."""
        wanted = Reference.parse(repository)
        found: list[str] = []
        path: str | None = f"{wanted.repository}/tags/list?n={PAGE}"
        async with self.session(wanted) as session:
            while path:
                answer = await session.ask("GET", path, {})
                if answer.status_code != 200:
                    raise refused(wanted, answer.status_code, answer.text, known=session.known)
                found += answer.json().get("tags") or []
                following = answer.links.get("next", {}).get("url")
                path = urljoin(str(answer.url), following) if following else None
        return tuple(sorted(found))

    @asynccontextmanager
    async def session(self, wanted: Reference) -> AsyncIterator[Session]:
        """By TLS; by plain HTTP only where that is allowed, and TLS is not spoken."""
        insecure = await self._insecure() if callable(self._insecure) else self._insecure
        plain = may_be_plain(wanted.host, insecure)
        context = await asyncio.to_thread(self._context, wanted.host, plain)
        async with httpx2.AsyncClient(verify=context, timeout=self._timeout, follow_redirects=True) as client:
            yield Session(client, wanted, self._config, ("https", "http") if plain else ("https",))

    def _context(self, host: str, lenient: bool) -> ssl.SSLContext:
        """The system's authorities, and those that Docker has for this registry."""
        context = ssl.create_default_context()
        folder = self._certificates / host
        try:
            for authority in sorted(folder.glob("*.crt")):
                context.load_verify_locations(authority)
            for certificate in sorted(folder.glob("*.cert")):
                context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        except (OSError, ssl.SSLError) as error:
            raise RegistryError(
                f"A certificate for {host} cannot be used", where=str(folder), why=str(error)
            ) from error
        if lenient:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class Session:
    """Requests to one registry, with what it has let us in by."""

    def __init__(
        self, client: httpx2.AsyncClient, wanted: Reference, config: DockerConfig, schemes: tuple[str, ...]
    ) -> None:
        self.client = client
        self.wanted = wanted
        self.config = config
        self.schemes = schemes
        self.known = False
        """Whether we had a password to show."""
        self._authorization = ""
        self._challenge: str | None = None

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes | None = None
    ) -> httpx2.Response:
        answer = await self._send(method, path, headers, content)
        challenge = answer.headers.get("WWW-Authenticate", "")
        if answer.status_code == 401 and challenge != self._challenge:
            self._challenge = challenge  # who may read is asked again when it comes to writing
            self._authorization = await self._let_in(challenge)
            if self._authorization:
                answer = await self._send(method, path, headers, content)
        return answer

    async def _send(self, method: str, path: str, headers: Mapping[str, str], content: bytes | None) -> httpx2.Response:
        """The first scheme that is answered is kept."""
        sent = {**headers, **({"Authorization": self._authorization} if self._authorization else {})}
        failure: httpx2.TransportError | None = None
        for scheme in self.schemes:
            url = path if "://" in path else f"{scheme}://{self.wanted.server}/v2/{path}"
            try:
                answer = await self.client.request(method, url, headers=sent, content=content)
            except httpx2.TransportError as error:
                failure = error
            else:
                self.schemes = (scheme,)
                return answer
        assert failure is not None
        raise silent(self.wanted.host, failure) from failure

    async def _let_in(self, challenge: str) -> str:
        """The Authorization that the registry asks for."""
        credentials = await asyncio.to_thread(self.config.find, self.wanted.host)
        self.known = credentials is not None
        kind = challenge.partition(" ")[0].lower()
        if kind == "bearer":
            return f"Bearer {await self._token(dict(CHALLENGE.findall(challenge)), credentials)}"
        if kind == "basic" and credentials:
            return f"Basic {b64encode(f'{credentials.user}:{credentials.password}'.encode()).decode()}"
        return ""

    async def _token(self, asked: Mapping[str, str], credentials: Credentials | None) -> str:
        fields = {"service": asked.get("service", ""), "scope": asked.get("scope") or self._scope()}
        realm = asked.get("realm", "")
        try:
            answer = await self._ask_for_token(realm, fields, credentials)
        except httpx2.TransportError as error:
            raise silent(realm, error) from error
        if answer.status_code != 200:
            raise refused(self.wanted, answer.status_code, answer.text, known=self.known)
        said: dict[str, Any] = answer.json()
        return str(said.get("token") or said.get("access_token") or "")

    async def _ask_for_token(
        self, realm: str, fields: Mapping[str, str], credentials: Credentials | None
    ) -> httpx2.Response:
        if credentials and credentials.token:
            body = {**fields, "grant_type": "refresh_token", "refresh_token": credentials.token, "client_id": "fairway"}
            return await self.client.post(realm, data=body)
        auth = httpx2.BasicAuth(credentials.user, credentials.password) if credentials else None
        return await self.client.get(realm, params=fields, auth=auth)

    def _scope(self) -> str:
        return f"repository:{self.wanted.repository}:pull"
