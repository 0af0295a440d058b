"""As much of HashiCorp Vault as Fairway speaks to, over HTTP, as its API documents it; no Vault can be had where these tests run.

It models: the seal (503); tokens with policies, time to live, most time to live and renewal, expiry and revocation (403); KV version 2
with versions, check-and-set, soft deletion, destruction, `max_versions`, metadata and lists; AppRole with secret_ids of limited use;
response wrapping (lookup, unwrap, one use, its path); namespaces; routes that there are not; a standby that redirects; too many
requests. It does not: storage, unsealing, audit, identities, leases of dynamic secrets, other engines, and policies beyond prefixes.
"""

from __future__ import annotations

import json
import secrets
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Json = dict[str, Any]
DENIED = ["1 error occurred:\n\t* permission denied\n\n"]
INVALID = ["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]


class Refused(Exception):
    def __init__(self, status: int, *errors: str, body: Json | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body if body is not None else {"errors": list(errors)}


@dataclass
class Token:
    policies: tuple[str, ...]
    ends: float = 0.0
    """Seconds since the epoch; 0: never."""
    ttl: float = 0.0
    latest: float = 0.0
    renewable: bool = False
    wrapped: Json | None = None
    """It is good for one thing alone: the answer that is wrapped in it."""
    made_by: str = ""


@dataclass
class Vault:
    """`policies`: by name, the beginnings of paths and what may be done there: read, write, list."""

    policies: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    kv: dict[str, list[Json]] = field(default_factory=dict)
    """Versions by path, the first one first; None where it was removed as one too many."""
    secret_ids: dict[str, int] = field(default_factory=dict)
    """How often each may be used still."""
    max_versions: int = 10
    version: str = "2"
    """Of the engine at secret/."""
    namespace: str = ""
    sealed: bool = False
    busy: int = 0
    """How many requests are told to come later."""
    active: str = ""
    """Where a standby sends to."""
    said: Counter[str] = field(default_factory=Counter)
    """Requests, by method and path."""
    seen: list[str] = field(default_factory=list)
    """All that was said to it or by it, but for headers."""

    def token(self, *policies: str, ttl: float = 0.0, most: float = 0.0, renewable: bool = True) -> str:
        name = f"hvs.{secrets.token_urlsafe(24)}"
        now = time.time()
        latest = now + most if most else 0.0
        self.tokens[name] = Token(policies, now + ttl if ttl else 0.0, ttl, latest, renewable and bool(ttl))
        return name

    def wrap(self, answer: Json, made_by: str, ttl: float = 60.0) -> str:
        name = f"hvs.{secrets.token_urlsafe(24)}"
        self.tokens[name] = Token((), time.time() + ttl, ttl, wrapped=answer, made_by=made_by)
        return name

    def secret_id(self, uses: int = 0) -> str:
        name = secrets.token_hex(16)
        self.secret_ids[name] = uses or 1 << 30
        return name

    def put(self, path: str, **data: str) -> None:
        self._put(path, {"data": data})

    # Requests

    def answer(self, method: str, path: str, query: dict[str, str], body: Json, headers: dict[str, str]) -> Json | None:
        """None for 204. Raises Refused."""
        self._let_in(headers)
        if path == "auth/approle/login":
            return self._login(body)
        if path.startswith("sys/wrapping/"):
            return self._of_wrapping(path.removeprefix("sys/wrapping/"), body.get("token") or headers["x-vault-token"])
        token = self._known(headers.get("x-vault-token", ""))
        if path.startswith("auth/token/"):
            return self._of_token(path.removeprefix("auth/token/"), headers["x-vault-token"], token)
        if path == "sys/internal/ui/mounts/secret":
            return _whole(data={"type": "kv", "path": "secret/", "options": {"version": self.version}})
        listing = query.get("list") == "true"
        self._allow(token, path, "list" if listing else "read" if method == "GET" else "write")
        if not path.startswith("secret/"):
            raise Refused(404, f'no handler for route "{path}". route entry not found.')
        kind, _, rest = path.removeprefix("secret/").partition("/")
        if self.version != "2":
            raise Refused(404)
        return self._engine(method, kind, rest, query, body, listing=listing)

    def _let_in(self, headers: dict[str, str]) -> None:
        if self.sealed:
            raise Refused(503, "Vault is sealed")
        if self.busy:
            self.busy -= 1
            raise Refused(429, "request path blocked by rate limit quota")
        if headers.get("x-vault-namespace", "") != self.namespace:
            raise Refused(403, *INVALID)

    def _of_wrapping(self, what: str, name: str) -> Json | None:
        wrapping = self._wrapping(name)
        if what == "unwrap":
            del self.tokens[name]
            return wrapping.wrapped
        return _whole(data={"creation_path": wrapping.made_by, "creation_ttl": wrapping.ttl, "creation_time": _now()})

    def _engine(
        self, method: str, kind: str, path: str, query: dict[str, str], body: Json, *, listing: bool
    ) -> Json | None:
        if kind == "metadata" and listing:
            return self._list(path)
        if kind == "metadata" and method == "GET":
            return self._metadata(path)
        if kind == "data" and method == "GET":
            return self._get(path, int(query.get("version") or 0))
        if kind == "data" and method in ("POST", "PUT"):
            return _whole(data=self._put(path, body))
        if kind == "data" and method == "DELETE":
            for one in self.kv.get(path, [])[-1:]:
                one["deletion_time"] = _now()
            return None
        raise Refused(405, "unsupported operation")

    def _get(self, path: str, number: int) -> Json:
        versions = self.kv.get(path)
        if not versions:
            raise Refused(404)
        number = number or len(versions)
        if not 0 < number <= len(versions) or versions[number - 1].get("removed"):
            raise Refused(404)
        one = versions[number - 1]
        told = {
            "created_time": one["created_time"],
            "custom_metadata": None,
            "deletion_time": one["deletion_time"],
            "destroyed": one["destroyed"],
            "version": number,
        }
        gone = one["destroyed"] or one["deletion_time"]
        whole = _whole(data={"data": None if gone else one["data"], "metadata": told})
        if gone:
            raise Refused(404, body=whole)
        return whole

    def _put(self, path: str, body: Json) -> Json:
        versions = self.kv.setdefault(path, [])
        cas = (body.get("options") or {}).get("cas")
        if cas is not None and cas != len(versions):
            raise Refused(400, "check-and-set parameter did not match the current version")
        if not isinstance(body.get("data"), dict):
            raise Refused(400, "no data provided")
        versions.append({"data": body["data"], "created_time": _now(), "deletion_time": "", "destroyed": False})
        for old in versions[: -self.max_versions]:
            old["removed"] = True
        told = {key: value for key, value in versions[-1].items() if key != "data"}
        return {**told, "custom_metadata": None, "version": len(versions)}

    def _metadata(self, path: str) -> Json:
        versions = self.kv.get(path)
        if not versions:
            raise Refused(404)
        told = {
            str(number): {key: one[key] for key in ("created_time", "deletion_time", "destroyed")}
            for number, one in enumerate(versions, 1)
            if not one.get("removed")
        }
        return _whole(data={"versions": told, "current_version": len(versions), "max_versions": self.max_versions})

    def _list(self, path: str) -> Json:
        below = [name.removeprefix(path) for name in self.kv if name.startswith(path)]
        keys = sorted({name if "/" not in name else f"{name.partition('/')[0]}/" for name in below})
        if not keys:
            raise Refused(404)
        return _whole(data={"keys": keys})

    # Tokens

    def _known(self, name: str) -> Token:
        token = self.tokens.get(name)
        if token is None or (token.ends and token.ends < time.time()) or token.wrapped is not None:
            raise Refused(403, *INVALID)
        return token

    def _wrapping(self, name: str) -> Token:
        token = self.tokens.get(name)
        if token is None or token.wrapped is None or token.ends < time.time():
            raise Refused(400, "wrapping token is not valid or does not exist")
        return token

    def _allow(self, token: Token, path: str, what: str) -> None:
        if "root" in token.policies:
            return
        rules = [rule for name in token.policies for rule in self.policies.get(name, {}).items()]
        if not any(path.startswith(start) and what in may for start, may in rules):
            raise Refused(403, *DENIED)

    def _login(self, body: Json) -> Json:
        left = self.secret_ids.get(body.get("secret_id", ""), 0)
        if body.get("role_id") != "the-role" or not left:
            raise Refused(400, "invalid role or secret ID")
        self.secret_ids[body["secret_id"]] = left - 1
        return _auth(self.token("role", ttl=self.role_ttl, most=self.role_most), self)

    role_ttl: float = 60.0
    role_most: float = 0.0

    def _of_token(self, what: str, name: str, token: Token) -> Json | None:
        if what == "lookup-self":
            left = max(0, int(token.ends - time.time())) if token.ends else 0
            data = {"id": name, "policies": list(token.policies), "ttl": left, "renewable": token.renewable}
            return _whole(data={**data, "type": "service", "num_uses": 0, "orphan": True, "path": "auth/token/create"})
        if what == "renew-self":
            if not token.renewable:
                raise Refused(400, "lease is not renewable")
            wanted = time.time() + token.ttl
            token.ends = min(wanted, token.latest) if token.latest else wanted
            return _auth(name, self)
        if what == "revoke-self":
            del self.tokens[name]
            return None
        raise Refused(404, f'no handler for route "auth/token/{what}". route entry not found.')


def _auth(name: str, vault: Vault) -> Json:
    token = vault.tokens[name]
    left = max(0.0, token.ends - time.time()) if token.ends else 0
    told = {"client_token": name, "policies": list(token.policies), "renewable": token.renewable}
    return _whole(auth={**told, "lease_duration": round(left, 2), "token_type": "service"})


def _whole(**parts: Json) -> Json:
    empty = {"request_id": secrets.token_hex(8), "lease_id": "", "renewable": False, "lease_duration": 0}
    return {**empty, "data": None, "wrap_info": None, "warnings": None, "auth": None, **parts}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def handler(vault: Vault) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            parts = urlsplit(self.path)
            path = unquote(parts.path).removeprefix("/v1/")
            vault.said[f"{self.command} {path}"] += 1
            vault.seen += [self.path, raw.decode()]
            if vault.active:
                self.send_response(307)
                self.send_header("Location", f"{vault.active}{self.path}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                status, body = 200, vault.answer(self.command, path, query, json.loads(raw or b"{}"), headers)
            except Refused as refused:
                status, body = refused.status, refused.body
            data = json.dumps(body).encode() if body is not None else b""
            self.send_response(status if body is not None else 204)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = answer

    return Handler


@contextmanager
def serving(vault: Vault, certificate: Path | None = None) -> Iterator[str]:
    """Its address. `certificate`: a file with a certificate and its key, for TLS."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(vault))
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
