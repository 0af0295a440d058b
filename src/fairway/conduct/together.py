"""Doing several things at once, and watching a fleet, with nothing left running afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterable
from typing import TypeVar

from fairway.model.errors import EngineError
from fairway.model.fleet import Fleet
from fairway.ports import Engine

T = TypeVar("T")


async def together(jobs: Iterable[Awaitable[object]]) -> None:
    """All of them to their end, then the first error: what is half done when the next step begins would surprise it."""
    for result in await asyncio.gather(*jobs, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


async def first(stream: AsyncIterator[T]) -> T:
    """What a watch says at once; it is closed then."""
    try:
        return await anext(stream)
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()


async def fleets(engine: Engine) -> AsyncGenerator[Fleet, None]:
    """The engine's watch, closed when this is. It has no end: raises EngineError where it ends all the same."""
    stream = engine.watch()
    try:
        async for fleet in stream:
            yield fleet
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
    raise EngineError("the engine no longer says what happens to the replicas", hint="try again")
