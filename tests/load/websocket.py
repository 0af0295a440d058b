"""A WebSocket client that knows how its connection ended."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from dataclasses import dataclass
from typing import Self

from tests.load.http import Connection, Failed, Head
from tests.load.options import Options

ACCEPT = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


@dataclass
class WebSocket:
    """
    ended  empty while it is open; then the server's close code, or cut, reset, silent, malformed
    lost   messages that were sent and not echoed
    """

    connection: Connection
    head: Head
    ended: str = ""
    lost: int = 0

    @classmethod
    async def open(cls, options: Options) -> Self:
        connection = await Connection.open(options)
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = (
            f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        )
        try:
            head = await connection.ask(options.websocket_path, upgrade)
            if head.status != 101:
                raise Failed(f"status {head.status}", "instead of a WebSocket", head.version)
            accept = base64.b64encode(hashlib.sha1((key + ACCEPT).encode()).digest()).decode()
            if head.headers.get("sec-websocket-accept") != accept:
                raise Failed("malformed", "Sec-WebSocket-Accept is wrong", head.version)
        except Failed:
            connection.close()
            raise
        return cls(connection, head)

    async def echo(self, text: str) -> bool:
        """Send a text and wait for it; false, with `ended` set, when the connection ends instead."""
        try:
            async with asyncio.timeout(self.connection.options.timeout):
                self._send(TEXT, text.encode())
                while True:
                    kind, payload = await self._receive()
                    if kind == TEXT and payload == text.encode():
                        return True
                    if kind == PING:
                        self._send(PONG, payload)
                    elif kind == CLOSE:
                        self.ended = str(int.from_bytes(payload[:2])) if payload else "1005"
                        self._send(CLOSE, payload[:2])
                        break
                    else:
                        self.ended = "malformed"
                        break
        except TimeoutError:
            self.ended = "silent"
        except asyncio.IncompleteReadError:
            self.ended = "cut"
        except OSError:
            self.ended = "reset"
        self.lost += 1
        return False

    def _send(self, kind: int, payload: bytes) -> None:
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        self.connection.writer.write(bytes([0x80 | kind, 0x80 | len(payload)]) + mask + masked)

    async def _receive(self) -> tuple[int, bytes]:
        """One frame; the echoed texts are short, so a length of two bytes is the longest expected."""
        first, second = await self.connection.reader.readexactly(2)
        length = second & 0x7F
        if length == 126:
            length = int.from_bytes(await self.connection.reader.readexactly(2))
        return first & 0x0F, await self.connection.reader.readexactly(length)
