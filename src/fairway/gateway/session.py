"""One shell in the gateway's container, over one connection to Docker: whatever the transport is, a call is one round trip.

The shell reads from its standard input, so it ends with its deployer. What it is told comes as one compound command: it
has read all of it, or it does nothing.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.resources import files

import aiodocker
from aiodocker.stream import Stream
from msgspec import Struct

from fairway.model.errors import GatewayError
from fairway.net.errors import translated

STDERR = 2


class SessionEnded(GatewayError):
    """The shell is gone: the gateway has been restarted, or the connection is lost."""


class Answer(Struct, frozen=True):
    """The exit status of a script, and what it printed."""

    status: int
    output: str


class Session:
    """`run` is one script after the other; `spawn` is for what may take its time, beside everything else."""

    def __init__(self, stream: Stream, where: str) -> None:
        self._stream = stream
        self._where = where
        self._mark = secrets.token_hex(16)
        self._turn = asyncio.Lock()
        self._answers: asyncio.Queue[Answer | None] = asyncio.Queue()
        self._spawned: dict[int, asyncio.Future[str]] = {}
        self._count = 0
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, docker: aiodocker.Docker, container: str, where: str) -> Session:
        """Raises EngineError, EngineUnreachable, SessionEnded where the container does not run."""
        with translated(where, "The gateway's container does not take a command"):
            exec_ = await docker.containers.container(container).exec(["/bin/sh"], stdin=True, tty=False)
            stream = exec_.start(detach=False)
            await stream._init()
        session = cls(stream, where)
        try:
            await session.run(files("fairway.data").joinpath("gateway/session.sh").read_text(), timeout=10)
        except BaseException:
            await session.close()
            raise
        return session

    @property
    def alive(self) -> bool:
        return not self._reader.done()

    async def run(self, script: str, *, timeout: float) -> Answer:
        """Raises SessionEnded; after `timeout` seconds too, and then the shell is given up."""
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
        """The one line that `script` prints. Several run at once; none holds up `run`. Raises SessionEnded."""
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
        with suppress(OSError):
            await self._stream.close()

    async def _write(self, text: str) -> None:
        if not self.alive:
            raise self._ended("the shell has ended")
        with translated(self._where):
            await self._stream.write_in(text.encode())

    def _ended(self, why: str) -> SessionEnded:
        return SessionEnded(
            "The gateway stopped answering", where=self._where, why=why, hint="docker logs fairway-gateway"
        )

    async def _read(self) -> None:
        """Sorts what arrives: answers of `run` come on standard output, those of `spawn` on standard error."""
        out, err = bytearray(), bytearray()
        try:
            with suppress(OSError):
                while (message := await self._stream.read_out()) is not None:
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
        at = out.rfind(mark)
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


@asynccontextmanager
async def opened(docker: aiodocker.Docker, container: str, where: str) -> AsyncIterator[Session]:
    session = await Session.open(docker, container, where)
    try:
        yield session
    finally:
        await session.close()
