"""A connection that an engine has handed over to a process: what is typed goes in, what it prints comes out."""

from __future__ import annotations

import struct
from collections.abc import Callable

from msgspec import Struct

from fairway.net.http import CHUNK, Connection, connected

HEADER = struct.Struct(">BxxxL")
STDOUT, STDERR = 1, 2


class Message(Struct, frozen=True):
    """`stream` is STDOUT or STDERR; with a terminal all is STDOUT."""

    stream: int
    data: bytes


class Frames:
    """Without a terminal, Docker frames what a process prints: which stream, how long, and the bytes."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next(self) -> Message | None:
        """None where more has to come first."""
        if len(self._buffer) < HEADER.size:
            return None
        stream, length = HEADER.unpack_from(self._buffer)
        end = HEADER.size + length
        if len(self._buffer) < end:
            return None
        message = Message(STDERR if stream == STDERR else STDOUT, bytes(self._buffer[HEADER.size : end]))
        del self._buffer[:end]
        return message


class Stream:
    """Raises Disconnected. `tty`: the process has a terminal."""

    def __init__(self, connection: Connection, *, tty: bool, closed: Callable[[Stream], None]) -> None:
        self._connection = connection
        self._closed = closed
        self._frames = None if tty else Frames()
        self._first = connection.rest()

    async def read(self) -> Message | None:
        """What it prints next; None at the end."""
        if self._frames is None:
            data = await self._data()
            return Message(STDOUT, data) if data else None
        while (message := self._frames.next()) is None:
            data = await self._data()
            if not data:
                return None
            self._frames.feed(data)
        return message

    async def _data(self) -> bytes:
        first, self._first = self._first, b""
        if first:
            return first
        with connected():
            return await self._connection.reader.read(CHUNK)

    async def write(self, data: bytes) -> None:
        with connected():
            self._connection.writer.write(data)
            await self._connection.writer.drain()

    def end(self) -> None:
        """Nothing more is typed. Over TLS, asyncio cannot close one half of a connection: there it stays open."""
        if self._connection.writer.can_write_eof():
            with connected():
                self._connection.writer.write_eof()

    async def all(self) -> bytes:
        """What it prints from now on, both streams together, until its end."""
        said = bytearray()
        while message := await self.read():
            said += message.data
        return bytes(said)

    def close(self) -> None:
        self._connection.close()
        self._closed(self)
