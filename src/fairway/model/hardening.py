"""What is to be done for the safety of a service beyond what its Compose file says, and what was done."""

from __future__ import annotations

from msgspec import Struct


class Hardening(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`capabilities` are left to it, `writable` are paths that stay writable (in memory), `user` is who its processes are."""

    strict: bool = False
    capabilities: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    user: str | None = None


class Hardened(Struct, frozen=True, kw_only=True):
    """One service: what was added to it, and what was left as it is, with the reason."""

    service: str
    added: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
