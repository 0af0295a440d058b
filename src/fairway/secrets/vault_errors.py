"""What a Vault says, or that it says nothing, as errors that name what to do next. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from fairway.model.errors import SecretError, SecretMissing, shorten


class Answer(Struct, frozen=True):
    """`said` is the body, empty where it is no JSON."""

    status: int
    said: Mapping[str, Any]

    @property
    def good(self) -> bool:
        return self.status in (200, 204)

    @property
    def data(self) -> Mapping[str, Any]:
        found = self.said.get("data")
        return found if isinstance(found, dict) else {}

    @property
    def errors(self) -> str:
        return "\n".join(str(error).strip() for error in self.said.get("errors") or ())


def silent(address: str, error: Exception) -> SecretError:
    """No answer came."""
    said = str(error) or type(error).__name__
    if "certificate" in said.lower():
        hint = "name its authority: `ca:` in fairway.yaml, or VAULT_CACERT"
        return SecretError(f"Vault at {address} has a certificate that is not to be trusted", why=said, hint=hint)
    return SecretError(f"Vault at {address} does not answer", why=said, hint="is it running, and is its address right?")


def refused(address: str, path: str, answer: Answer) -> SecretError:
    """An answer that is none. A 403 is told better by whoever knows the token."""
    why = shorten(answer.errors or f"status {answer.status}", 500)
    if answer.status == 503 and "sealed" in answer.errors:
        return SecretError(
            f"Vault at {address} is sealed", why=why, hint="somebody has to unseal it: `vault operator unseal`"
        )
    if answer.status == 501 or "not initialized" in answer.errors:
        return SecretError(f"Vault at {address} is not initialised", why=why, hint="`vault operator init`")
    if answer.status == 429:
        return SecretError(f"Vault at {address} has had enough for now", why=why, hint="wait, and run it again")
    if answer.status == 400 and "check-and-set" in answer.errors:
        hint = "nothing was written: look at it, and run it again"
        return SecretError(f"{path} was changed by somebody else meanwhile", why=why, hint=hint)
    return SecretError(f"Vault at {address} fails for {path}", why=why)


def forbidden(path: str, answer: Answer, token: Answer) -> SecretError:
    """`token` is what Vault says of the token that was shown."""
    if not token.good:
        return SecretError(
            "Vault does not take the token (any more)",
            why=shorten(answer.errors, 500),
            hint="it has expired, was revoked, or is of another namespace: log in again (`vault login`)",
        )
    policies = ", ".join(token.data.get("policies") or ()) or "none"
    return SecretError(
        f"Vault does not let this token get at {path}",
        why=shorten(answer.errors, 500),
        hint=f"its policies are {policies}: one of them has to allow it",
    )


def missing(path: str, name: str, number: str, answer: Answer) -> SecretMissing:
    """A 404: there is nothing, or that version is gone."""
    told = answer.data.get("metadata")
    told = told if isinstance(told, dict) else {}
    version = told.get("version") or number
    if told.get("destroyed"):
        return SecretMissing(f"version {version} of {path} was destroyed", hint="it cannot be had again: set it anew")
    if told.get("deletion_time"):
        hint = f"`vault kv undelete -versions={version}` brings it back"
        return SecretMissing(f"version {version} of {path} was deleted at {told['deletion_time'][:19]}", hint=hint)
    if number:
        return SecretMissing(f"{path} has no version {number}", hint="its `max_versions` may have removed it")
    return SecretMissing(f"there is no {path} in Vault", hint=f"`fairway secrets set {name}`, or `vault kv put`")
