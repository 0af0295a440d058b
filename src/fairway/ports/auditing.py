"""What the adapters fulfil that look at hosts and images for an audit. Nothing is changed by it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from fairway.model.security_facts import HostSecurity, ImageFacts


class Inspector(Protocol):
    """Asks one host. Raises EngineUnreachable, EngineError."""

    async def host(self) -> HostSecurity:
        """How its engine is set up, and what else runs there."""

    async def image(self, reference: str, *, files: bool = True) -> ImageFacts | None:
        """What is in an image that the host has, its `files` too; None where it has none. Nothing is pulled."""


class Inspectors(Protocol):
    def open(self) -> AbstractAsyncContextManager[Inspector]:
        """Raises EngineUnreachable, EngineError, UsageError."""
