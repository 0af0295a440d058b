"""Waits until what runs may no longer be what it should be."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from fairway.conduct.together import fleets
from fairway.flows.context import Target

RETURNING = 10.0
"""Seconds after which somebody looks whether a host that is lost has come back."""
RENEWING = 3600.0
"""Seconds after which somebody looks whether a certificate is due."""
SETTLED = 2.0
"""Seconds without news: what an application does when one of its replicas dies comes in bursts."""


async def until_news(target: Target) -> None:
    """Returns when replicas have come, gone, started, ended or changed their health, hosts may be back, or a certificate may be due.

    Raises EngineError.
    """
    patience = RETURNING if target.lost() else RENEWING if target.certifying else None
    async with aclosing(fleets(target.engine)) as stream:
        try:
            async with asyncio.timeout(patience):
                first = await anext(stream)
                async for fleet in stream:
                    if fleet != first:
                        break
        except TimeoutError:
            return
    await asyncio.sleep(SETTLED)
