"""The audit trail of an environment, and what is wrong with it."""

from __future__ import annotations

from fairway.attest import chain
from fairway.flows.context import Target
from fairway.model.audit import Line


async def trail(target: Target) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    """Its lines; and what was changed, removed, inserted or cut off: nothing where it is whole."""
    assert target.trail
    files, releases = await target.trail.read()
    return chain.lines(files), chain.verify(files, releases)
