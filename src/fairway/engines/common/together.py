"""Several calls side by side, and calls that must not be left half-way."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from fairway.model.errors import FairwayError

T = TypeVar("T")


async def unbroken(job: Coroutine[Any, Any, T]) -> T:
    """Whoever cancels it waits until Docker has answered: what it made is then known, and can be seen."""
    task = asyncio.ensure_future(job)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def together(jobs: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Side by side; the first error ends the others and is raised alone."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(job) for job in jobs]
    except BaseExceptionGroup as failed:
        raise _first(failed) from failed
    return [task.result() for task in tasks]


def _first(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    """Ours before others': it says more."""
    ours = failed.subgroup(FairwayError)
    found: BaseException = ours or failed
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
