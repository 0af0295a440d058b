"""One shell in a container, over one connection to Docker: whatever the transport is, a call is one round trip.

The shell reads from its standard input, so it ends with its deployer. What it is told comes as one compound command: it
has read all of it, or it does nothing.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress

from msgspec import Struct

from fairway.model.errors import EngineError
from fairway.net.client import Docker
from fairway.net.errors import translated
from fairway.net.http import Disconnected
from fairway.net.process import Process, process
from fairway.net.stream import STDERR

STATUS = 8
"""Bytes of an exit status, with its end of line."""


class ShellEnded(EngineError):
    """The shell is gone: its container has been restarted, or the connection is lost."""


class Answer(Struct, frozen=True):
    """The exit status of a script, and what it printed."""

    status: int
    output: str


class Shell:
    """`run` is one script after the other; `spawn` is for what may take its time, beside everything else.

    `what` says in errors whose shell it is, `where` on which host.
    """

    def __init__(self, started: Process, what: str, where: str) -> None:
        self.id = started.id
        """As Docker knows it."""
        self._stream = started.stream
        self._what = what
        self._where = where
        self._mark = os.urandom(16).hex()
        self._turn = asyncio.Lock()
        self._answers: asyncio.Queue[Answer | None] = asyncio.Queue()
        self._spawned: dict[int, asyncio.Future[str]] = {}
        self._count = 0
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(
        cls,
        docker: Docker,
        container: str,
        what: str,
        where: str,
        *,
        words: str = ":",
        command: Sequence[str] = ("/bin/sh",),
    ) -> Shell:
        """`words`: what it is told first; `command` starts it.

        Raises EngineError, EngineUnreachable, ShellEnded where the container does not run.
        """
        with translated(where, f"{what} does not take a command"):
            started = await process(docker, container, command, stdin=True)
        shell = cls(started, what, where)
        try:
            await shell.run(words, timeout=10)
        except BaseException:
            await shell.close()
            raise
        return shell

    @property
    def alive(self) -> bool:
        return not self._reader.done()

    async def run(self, script: str, *, timeout: float) -> Answer:
        """Raises ShellEnded; after `timeout` seconds too, and then the shell is given up."""
        async with self._turn:
            await self._write(f"{{\n{script}\n}} </dev/null 2>&1\nprintf '\\n%s %d\\n' {self._mark} $?\n")
            try:
                async with asyncio.timeout(timeout):
                    answer = await self._answers.get()
            except BaseException as error:
                await self.close()
                if isinstance(error, TimeoutError):
                    raise self._ended(f"no answer within {timeout:g} s") from error
                raise
        if answer is None:
            raise self._ended("the shell has ended")
        return answer

    async def spawn(self, script: str, *, timeout: float) -> str:
        """The one line that `script` prints. Several run at once; none holds up `run`. Raises ShellEnded."""
        self._count += 1
        number = self._count
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._spawned[number] = future
        try:
            line = f"( said=$({script}); printf '%s %d %s\\n' {self._mark} {number} \"$said\" >&3 )"
            await self._write(f"{line} 3>&2 2>/dev/null </dev/null >/dev/null 9>&- &\n")
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError as error:
            raise self._ended(f"no answer within {timeout:g} s") from error
        finally:
            self._spawned.pop(number, None)

    async def close(self) -> None:
        self._reader.cancel()
        with suppress(asyncio.CancelledError):
            await self._reader
        self._stream.close()

    async def ended(self) -> None:
        """Returns when it has."""
        await asyncio.wait([self._reader])

    async def _write(self, text: str) -> None:
        if not self.alive:
            raise self._ended("the shell has ended")
        with translated(self._where):
            await self._stream.write(text.encode())

    def _ended(self, why: str) -> ShellEnded:
        return ShellEnded(f"{self._what} stopped answering", where=self._where, why=why)

    async def _read(self) -> None:
        """Sorts what arrives: answers of `run` come on standard output, those of `spawn` on standard error."""
        out, err = bytearray(), bytearray()
        try:
            with suppress(Disconnected):
                while (message := await self._stream.read()) is not None:
                    if message.stream == STDERR:
                        err += message.data
                        self._spawned_said(err)
                    else:
                        out += message.data
                        self._answered(out)
        finally:
            self._answers.put_nowait(None)
            for future in self._spawned.values():
                if not future.done():
                    future.set_exception(self._ended("the shell has ended"))

    def _answered(self, out: bytearray) -> None:
        mark = f"\n{self._mark} ".encode()
        at = out.rfind(mark, max(0, len(out) - len(mark) - STATUS))
        if at < 0 or not out.endswith(b"\n"):
            return
        self._answers.put_nowait(Answer(int(out[at + len(mark) :]), out[:at].decode(errors="replace")))
        out.clear()

    def _spawned_said(self, err: bytearray) -> None:
        *lines, rest = err.split(b"\n")
        err[:] = rest
        for line in lines:
            mark, _, said = line.decode(errors="replace").partition(" ")
            number, _, text = said.partition(" ")
            future = self._spawned.get(int(number)) if mark == self._mark and number.isdigit() else None
            if future is not None and not future.done():
                future.set_result(text)
