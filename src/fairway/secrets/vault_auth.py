"""How one gets a token of a Vault: given, or by AppRole; either may be wrapped, to be opened once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from fairway.model.errors import SecretError
from fairway.model.secret import Secret
from fairway.secrets.vault_errors import Answer


class Ask(Protocol):
    async def __call__(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None, token: str = ""
    ) -> Answer: ...


class Token(Struct, frozen=True):
    """`ttl` in seconds, 0 where it never ends. `ours`: nobody else has it, so it is revoked at the end. `again`: it can be had anew."""

    value: Secret
    ttl: float = 0.0
    renewable: bool = False
    ours: bool = False
    again: bool = False


class Login(Struct, frozen=True, kw_only=True):
    """Paths are absolute. With `role_id`, AppRole, which is mounted at auth/`mount`."""

    token_file: str | None = None
    role_id: str | None = None
    secret_id_file: str | None = None
    mount: str = "approle"
    wrapped: bool = False
    environ: Mapping[str, str]

    async def token(self, ask: Ask) -> Token:
        """Raises SecretError."""
        return await (self._role(ask) if self.role_id else self._given(ask))

    async def _given(self, ask: Ask) -> Token:
        value, where = self._found()
        if self.wrapped:
            auth = (await unwrapped(ask, value, where, r"auth/token/create(/.*|-orphan)?|auth/.*/login.*")).get("auth")
            return _token(auth, ours=True, what=f"what is wrapped in {where} is no token")
        known = await ask("GET", "auth/token/lookup-self", token=value.decode())
        if not known.good:
            # one that may not look at itself may be good nevertheless: whether it is, is seen soon
            return Token(value)
        data = known.data
        return Token(value, float(data.get("ttl") or 0), bool(data.get("renewable")))

    def _found(self) -> tuple[Secret, str]:
        """Where it is named, in VAULT_TOKEN, or where `vault login` leaves it."""
        if self.token_file:
            return _read(self.token_file), self.token_file
        if value := self.environ.get("VAULT_TOKEN"):
            return Secret(value.encode()), "VAULT_TOKEN"
        file = Path(self.environ.get("HOME") or Path.home()) / ".vault-token"
        if not file.exists():
            raise SecretError(
                "there is no token for Vault",
                why=f"VAULT_TOKEN is not set, and there is no {file}",
                hint="`vault login`; or name a file, or an AppRole, in `secrets.auth`",
            )
        return _read(str(file)), str(file)

    async def _role(self, ask: Ask) -> Token:
        secret_id = _read(self.secret_id_file or "")
        if self.wrapped:
            path = rf"auth/{re.escape(self.mount)}/role/[^/]+/secret-id"
            opened = await unwrapped(ask, secret_id, self.secret_id_file or "", path)
            secret_id = Secret(str((opened.get("data") or {}).get("secret_id") or "").encode())
        body = {"role_id": self.role_id, "secret_id": secret_id.decode()}
        answer = await ask("POST", f"auth/{self.mount}/login", body=body)
        if not answer.good:
            raise SecretError(
                "Vault does not take the AppRole",
                why=answer.errors or f"status {answer.status}",
                hint=f"the role_id, or the secret_id in {self.secret_id_file}, is wrong, was used up, or has expired",
            )
        return _token(
            answer.said.get("auth"), ours=True, again=not self.wrapped, what="Vault's answer to the login has no token"
        )


async def unwrapped(ask: Ask, wrapping: Secret, where: str, made_by: str) -> Mapping[str, Any]:
    """What is wrapped, once it is seen that Vault has wrapped what is expected. Raises SecretError."""
    known = await ask("POST", "sys/wrapping/lookup", body={"token": wrapping.decode()})
    if not known.good:
        raise SecretError(
            f"the wrapping token in {where} is not good (any more)",
            why=known.errors or f"status {known.status}",
            hint="each is for one use, and for a short time: get a new one. If you did not use it, somebody else did: tell them",
        )
    path = str(known.data.get("creation_path") or "")
    if not re.fullmatch(made_by, path.strip("/")):
        raise SecretError(
            f"the wrapping token in {where} is not what it should be",
            why=f"it was made by {path}",
            hint="somebody may have put it there in place of another: it was not opened",
        )
    answer = await ask("POST", "sys/wrapping/unwrap", token=wrapping.decode())
    if not answer.good:
        raise SecretError(f"the wrapping token in {where} could not be opened", why=answer.errors)
    return answer.said


def _token(auth: Any, *, ours: bool, what: str, again: bool = False) -> Token:
    value = auth.get("client_token") if isinstance(auth, dict) else None
    if not value:
        raise SecretError(what)
    ttl, renewable = float(auth.get("lease_duration") or 0), bool(auth.get("renewable"))
    return Token(Secret(str(value).encode()), ttl, renewable, ours, again)


def _read(file: str) -> Secret:
    try:
        found = Secret(Path(file).read_bytes().strip())
        found.decode("ascii")
    except OSError as error:
        raise SecretError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecretError(f"there is no token in {file}") from None
    if not found:
        raise SecretError(f"{file} is empty")
    return found
