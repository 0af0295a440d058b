"""A body of work that must not go on when what guards it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fairway.model.errors import EngineError


@asynccontextmanager
async def guarded(
    ended: Callable[[], Awaitable[None]], release: Callable[[], Awaitable[None]], error: Callable[[], EngineError]
) -> AsyncIterator[asyncio.Event]:
    """A body that is cancelled, and `error` raised, as soon as the lease has `ended`; whatever happens, `release` is called."""
    body, lost = asyncio.current_task(), asyncio.Event()
    assert body
    asked = body.cancelling()
    guard = asyncio.create_task(_guard(ended, body, lost))
    try:
        yield lost
    except asyncio.CancelledError:
        if lost.is_set() and body.uncancel() <= asked:
            raise error() from None
        raise
    finally:
        guard.cancel()
        try:
            await asyncio.wait([guard])
        except asyncio.CancelledError:
            if not lost.is_set():
                raise
            body.uncancel()  # lost in the very moment in which it is given back
        finally:
            await release()


async def _guard(ended: Callable[[], Awaitable[None]], body: asyncio.Task[Any], lost: asyncio.Event) -> None:
    await ended()
    lost.set()
    body.cancel()
