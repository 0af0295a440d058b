"""The audit trail of an environment: who did what, when, from where, and what came of it."""

from __future__ import annotations

from msgspec import Struct


class Entry(Struct, frozen=True, kw_only=True):
    """What a command has done. `outcome`: done, refused, locked, failed, rolled back, partial, held, interrupted.

    `release` is the one that it was about, 0 where it was about none; `override` why it went past the policy, which rules
    `overridden` names. No secrets are in it, nor what was run in a container: only its first word.
    """

    who: str
    machine: str
    command: str
    outcome: str
    release: int = 0
    detail: str = ""
    override: str = ""
    overridden: tuple[str, ...] = ()
    dropped: tuple[int, ...] = ()
    """Releases whose records it has removed from the ledger, as it was meant to."""


class Line(Struct, frozen=True, kw_only=True):
    """An entry in its place. `number` counts from 1; `previous` is the SHA-256 of the line before, as it is kept, empty for the first.

    `at` is ISO 8601 UTC, by the environment's clock. `seal` is the SHA-256 of the release's record, as the ledger keeps it.
    `unrecorded` are releases that were there when it was written, and no line told of: their deployers were killed.
    """

    number: int
    previous: str
    at: str
    entry: Entry
    seal: str = ""
    unrecorded: tuple[int, ...] = ()


class Sealed(Struct, frozen=True, kw_only=True):
    """A release as the ledger keeps it: the SHA-256 of its record, and the line that was the last when it was proposed."""

    number: int
    seal: str
    audit: str = ""
    concluded: bool = False
