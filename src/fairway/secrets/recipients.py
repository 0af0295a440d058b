"""Who can read an age file: age keys, and public SSH keys (ed25519 and RSA)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fairway.model.errors import UsageError
from fairway.model.secret import Recipient

KINDS = "an age key (age1…), or a public SSH key (ssh-ed25519, ssh-rsa)"


def read(said: str, name: str = "") -> tuple[Recipient, ...]:
    """A key, or a file with some, one a line. Raises UsageError."""
    if said.startswith(("age1", "ssh-")):
        return (parse(said, name),)
    try:
        lines = Path(said).expanduser().read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"{said[:60]!r} is no key, and no file with keys: {error.strerror}", hint=KINDS) from None
    except UnicodeDecodeError:
        raise UsageError(f"{said[:60]} is no file with public keys", hint=KINDS) from None
    keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if any("PRIVATE KEY" in line or "SECRET-KEY" in line for line in keys):
        raise UsageError(f"{said[:60]} is a private key", hint=f"the public one is wanted: {KINDS}")
    if not keys:
        raise UsageError(f"there is no key in {said[:60]}", hint=KINDS)
    return tuple(parse(key, name) for key in keys)


def parse(line: str, name: str = "") -> Recipient:
    """Raises UsageError."""
    words = line.split()
    count = 2 if line.startswith("ssh-") else 1
    recipient = Recipient(" ".join(words[:count]), name or " ".join(words[count:]))
    understood(recipient)
    return recipient


def understood(recipient: Recipient) -> Any:
    """As pyrage has it. Raises UsageError."""
    import pyrage

    kind = pyrage.ssh if recipient.key.startswith("ssh-") else pyrage.x25519
    try:
        return kind.Recipient.from_str(recipient.key)
    except pyrage.RecipientError as error:
        raise UsageError(f"{recipient.key[:60]!r} is no key that can be used", why=str(error), hint=KINDS) from None


def added(known: tuple[Recipient, ...], more: Iterable[Recipient]) -> tuple[Recipient, ...]:
    """A key that is known gets its new name, if it has one."""
    found = {recipient.key: recipient for recipient in known}
    for recipient in more:
        if recipient.name or recipient.key not in found:
            found[recipient.key] = recipient
    return tuple(found.values())


def without(known: tuple[Recipient, ...], said: str) -> tuple[Recipient, ...]:
    """Without the one that has this key, or this name. Raises UsageError where that is none, or several, or the last."""
    key = " ".join(said.split()[:2]) if said.startswith("ssh-") else said
    meant = [recipient for recipient in known if key in (recipient.key, recipient.name)]
    there = "there are: " + ", ".join(recipient.name or recipient.key[:24] for recipient in known)
    if not meant:
        raise UsageError(f"{said[:60]!r} is nobody who can read it", hint=there)
    if len(meant) > 1:
        raise UsageError(f"{len(meant)} keys have the name {said!r}", hint="name the key itself")
    if len(known) == 1:
        raise UsageError("this is the last one who can read it", hint="add another one first")
    return tuple(recipient for recipient in known if recipient != meant[0])
