"""One shell that is kept open for all that is asked of a place."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar

from fairway.net.shell import Shell, ShellEnded

T = TypeVar("T")


class KeptShell(ABC):
    """Use it as an asynchronous context, or `close` it."""

    def __init__(self) -> None:
        self._opening = asyncio.Lock()
        self._shell: Shell | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """The next call opens another one."""
        shell, self._shell = self._shell, None
        if shell is not None:
            await shell.close()

    @property
    def speaks(self) -> bool:
        """Whether a shell is open."""
        return self._shell is not None and self._shell.alive

    @abstractmethod
    async def open(self) -> Shell:
        """A new one."""

    async def with_shell(self, call: Callable[[Shell], Awaitable[T]]) -> T:
        """Let calls be safe to repeat: a shell that has ended, or is silent, is replaced once."""
        shell = await self._kept()
        try:
            return await call(shell)
        except ShellEnded:
            if self._shell is shell:
                await self.close()
            return await call(await self._kept())

    async def _kept(self) -> Shell:
        async with self._opening:
            if self._shell is None or not self._shell.alive:
                await self.close()
                self._shell = await self.open()
            return self._shell
