"""A way to an engine on which a test can stand: it counts what passes, and holds it up."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.lab import Host

SMALL = 1 << 16


class Way:
    """A unix socket that leads to a host's engine.

    `sent` and `received` count bytes, as the client sees them. Once one of them has reached `until`, `reached` is set, and
    nothing passes in that direction before `go` is. `crowd` counts the connections.
    """

    def __init__(self, host: Host, path: Path) -> None:
        self.host = host
        self.path = path
        self.sent = self.received = self.crowd = 0
        self.until: dict[str, int] = {}
        self.reached = asyncio.Event()
        self.go = asyncio.Event()

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def hold(self, **until: int) -> None:
        """hold(received=1000): after so many bytes more."""
        self.until = {which: getattr(self, which) + count for which, count in until.items()}
        self.reached.clear()
        self.go.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.crowd += 1
        with contextlib.suppress(OSError):
            engine_reader, engine_writer = await asyncio.open_unix_connection(str(self.host.socket), limit=SMALL)
            both = [self._pass(reader, engine_writer, "sent"), self._pass(engine_reader, writer, "received")]
            tasks = [asyncio.ensure_future(each) for each in both]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            engine_writer.close()
        writer.close()
        self.crowd -= 1

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, which: str) -> None:
        while data := await reader.read(SMALL):
            setattr(self, which, getattr(self, which) + len(data))
            if which in self.until and getattr(self, which) >= self.until[which]:
                self.reached.set()
                await self.go.wait()
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def way(host: Host) -> AsyncIterator[Way]:
    with tempfile.TemporaryDirectory(prefix="way") as directory:
        made = Way(host, Path(directory) / "s")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
            listener.bind(str(made.path))
            server = await asyncio.start_unix_server(made.serve, sock=listener, limit=SMALL)
            yield made
            made.go.set()
            server.close()
