"""Deployers at work: what they say reaches an environment for as long as nobody kills them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from fairway.model.errors import FairwayError


class Killed(BaseException):
    """Nothing that this deployer still says reaches anybody."""


@dataclass
class Line:
    """A deployer's connection to all there is."""

    cut: bool = False


@dataclass
class Reached:
    """A port at the other end of a line."""

    port: object
    line: Line

    def __getattr__(self, name: str) -> Any:
        if self.line.cut:
            raise Killed
        return getattr(self.port, name)


@dataclass
class Story:
    """One deployer, at work."""

    line: Line
    task: asyncio.Task[Any]

    async def end(self) -> object:
        async with asyncio.timeout(10):
            return await self.task

    async def fails(self) -> FairwayError:
        with pytest.raises(FairwayError) as caught:
            await self.end()
        return caught.value

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                if self.task.done():
                    self.task.result()
                    raise AssertionError("it has ended, and what was waited for has not come")
                await asyncio.sleep(0.001)

    async def waits(self, seconds: float = 0.05) -> bool:
        """Whether it still does when everything else had its turn."""
        await asyncio.sleep(seconds)
        return not self.task.done()

    def interrupt(self) -> None:
        self.task.cancel()

    async def kill(self) -> None:
        """It leaves everything as it is."""
        self.line.cut = True
        self.task.cancel()
        with suppress(Killed, asyncio.CancelledError):
            await self.task
