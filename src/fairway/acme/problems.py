"""What an authority says is wrong (RFC 7807), in the words of this house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairway.model.errors import CertificateError, shorten

PREFIX = "urn:ietf:params:acme:error:"
CHECKED: Mapping[str, tuple[str, str]] = {
    "unauthorized": (
        "what is answered at {name}, on port 80, is not what the gateways answer",
        "the name has to lead to the edges, past every cache and every other web server",
    ),
    "incorrectResponse": (
        "what is answered at {name}, on port 80, is not what the gateways answer",
        "the name has to lead to the edges, past every cache and every other web server",
    ),
    "connection": (
        "the authority cannot reach {name} on port 80",
        "the name has to lead to the edges, and their port 80 to be open to everybody",
    ),
    "dns": ("the authority finds no address of {name}", "give the name an A record that leads to the edges"),
    "caa": (
        "the DNS records of {name} do not let this authority issue certificates",
        "change its CAA record, or name another authority in `gateway.acme.directory`",
    ),
}
"""What it says of a host name that it has looked at."""
REFUSED: Mapping[str, tuple[str, str]] = {
    "rateLimited": ("the authority takes no more requests from us for now", ""),
    "rejectedIdentifier": ("the authority issues no certificates for {name}", "names of the public DNS can have one"),
    "unsupportedIdentifier": (
        "the authority issues no certificates for {name}",
        "names of the public DNS can have one",
    ),
    "externalAccountRequired": (
        "the authority has to be told whose customer asks",
        "`gateway.acme.eab: {{kid: …, hmac_file: …}}`, with what it gives its customers",
    ),
    "userActionRequired": ("the authority has other terms of service than those that were agreed with", ""),
    "invalidContact": ("the authority does not take the address", "correct `gateway.acme.email`"),
    "unsupportedContact": ("the authority does not take the address", "correct `gateway.acme.email`"),
    "caa": CHECKED["caa"],
}
"""What it says of a request."""


def refusal(
    problem: Mapping[str, Any], where: str, *, names: Sequence[str] = (), status: int = 0, wait: float = 0.0
) -> CertificateError:
    """From a problem document, the answer to a request about the host names."""
    kind = _kind(problem)
    about = ", ".join(_identifiers(problem)) or ", ".join(names) or "this name"
    return _error(REFUSED.get(kind), problem, where, about, status=status, wait=wait)


def not_seen(problem: Mapping[str, Any], where: str, name: str) -> CertificateError:
    """From a problem document: what came of the look at one host name."""
    return _error(CHECKED.get(_kind(problem)), problem, where, name)


def _error(
    words: tuple[str, str] | None,
    problem: Mapping[str, Any],
    where: str,
    about: str,
    *,
    status: int = 0,
    wait: float = 0.0,
) -> CertificateError:
    kind = _kind(problem)
    detail = shorten(str(problem.get("detail") or problem.get("title") or f"status {status}"), 500)
    what, hint = words or ("the authority refuses", "")
    why = detail if words or not kind else f"{detail} ({kind})"
    return CertificateError(
        what.format(name=about), where=where, why=why, hint=hint.format(name=about), kind=kind, wait=wait
    )


def _kind(problem: Mapping[str, Any]) -> str:
    return str(problem.get("type", "")).removeprefix(PREFIX)


def _identifiers(problem: Mapping[str, Any]) -> list[str]:
    """The host names that it is about, where it says so."""
    parts = [problem, *(part for part in problem.get("subproblems") or () if isinstance(part, Mapping))]
    found = [part.get("identifier") for part in parts]
    return [str(one.get("value", "")) for one in found if isinstance(one, Mapping)]


def silent(where: str, error: Exception) -> CertificateError:
    """Nobody answers, or not in TLS that can be trusted."""
    why = str(error) or type(error).__name__
    hint = "is this machine connected? the address is `gateway.acme.directory`"
    if "CERTIFICATE_VERIFY_FAILED" in why:
        hint = "`gateway.acme.ca` names a file with the authority that its certificate is of, where that is not a public one"
    return CertificateError("the authority does not answer", where=where, why=why, hint=hint, kind="silent")


def babble(where: str, status: int, text: str) -> CertificateError:
    """What answers there speaks no ACME."""
    return CertificateError(
        f"what answers there speaks no ACME (status {status})",
        where=where,
        why=text[:200],
        hint="correct `gateway.acme.directory`",
    )
