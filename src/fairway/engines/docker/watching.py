"""Docker's events: what happened, as soon as it happens. Nothing here asks again and again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from fairway.model.errors import EngineUnreachable
from fairway.net.client import Docker, Response
from fairway.net.errors import translated
from fairway.net.http import Disconnected
from fairway.render.names import label_filter

CHANGES = ("create", "start", "die", "oom", "health_status", "pause", "unpause", "rename", "destroy")
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0


@asynccontextmanager
async def events(
    docker: Docker, labels: Mapping[str, str], happenings: Sequence[str] = CHANGES
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """The events of containers with these labels, from this moment on: none is missed once the context is open."""
    filters = {"type": ["container"], "label": label_filter(labels), "event": list(happenings)}
    async with docker.open("GET", "events", {"filters": filters}) as answer:
        yield _lines(answer)


async def _lines(answer: Response) -> AsyncIterator[dict[str, Any]]:
    with suppress(Disconnected):  # a stream that breaks has ended
        async for event in answer.lines():
            yield event


async def changes(
    docker: Docker,
    labels: Mapping[str, str],
    host: str,
    *,
    happenings: Sequence[str] = CHANGES,
    patience: float = 60.0,
) -> AsyncGenerator[None, None]:
    """At once, and after each change; changes that come together count as one. A lost stream is opened again.

    Each time the stream was opened counts as a change too, so that nothing which happened meanwhile is missed.
    Raises EngineUnreachable where the engine does not answer for `patience` seconds.
    """
    pause, waited = FIRST_PAUSE, 0.0
    while True:
        try:
            with translated(host):
                async with events(docker, labels, happenings) as stream:
                    pause, waited = FIRST_PAUSE, 0.0
                    yield
                    async for _ in _merged(stream):
                        yield
        except EngineUnreachable:
            if waited >= patience:
                raise
        await asyncio.sleep(pause)
        pause, waited = min(2 * pause, LONGEST_PAUSE), waited + pause


async def _merged(stream: AsyncIterator[object]) -> AsyncIterator[None]:
    """One item for all that came since the last one was taken."""
    news = asyncio.Event()

    async def read() -> None:
        try:
            async for _ in stream:
                news.set()
        finally:
            ended.set()
            news.set()

    ended = asyncio.Event()
    reader = asyncio.create_task(read())
    try:
        while not ended.is_set():
            await news.wait()
            news.clear()
            if not ended.is_set():
                yield
        await reader
    finally:
        reader.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await reader
