"""The clients. Each asks, counts and pauses until it is told to stop, and finishes what is under way."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field

from tests.load.http import Connection, Failed
from tests.load.options import Options
from tests.load.tally import Tally
from tests.load.websocket import WebSocket

SLOW = 60.0  # seconds more that an answer may take when it is asked to take its time


@dataclass
class Crew:
    options: Options
    tally: Tally = field(default_factory=Tally)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    started: asyncio.Event = field(default_factory=asyncio.Event)

    async def work(self) -> None:
        """Run every client until `stopping` is set; `started` is set once each quick one has done a first round."""
        options = self.options
        quick = [
            *(self._requests("keep-alive", options.path, keep=True) for _ in range(options.keep_alive)),
            *(self._requests("one-shot", options.path, keep=False) for _ in range(options.one_shot)),
            *(self._websocket() for _ in range(options.websockets)),
            *(self._stream() for _ in range(options.streams)),
        ]
        slow = [self._requests("slow", options.slow_path, keep=True, patience=SLOW) for _ in range(options.slow)]
        self.waiting = len(quick) or 1
        clients: list[Coroutine[object, object, None]] = [*quick, *slow]
        await asyncio.gather(*clients)

    async def _requests(self, kind: str, path: str, *, keep: bool, patience: float = 0.0) -> None:
        connection: Connection | None = None
        first = not patience
        await self._pause()
        while not self.stopping.is_set():
            if connection and connection.closed:
                self.tally.idle_closes += 1
                connection.close()
                connection = None
            connection = await self._exchange(kind, path, connection, keep=keep, patience=patience)
            first = first and self._first_done()
            await self._pause()
        if connection:
            connection.close()

    async def _exchange(
        self, kind: str, path: str, connection: Connection | None, *, keep: bool, patience: float
    ) -> Connection | None:
        """One request; returns the connection if it may be used again."""
        self.tally.requests += 1
        began = self.tally.now
        try:
            connection = connection or await Connection.open(self.options)
            head = await connection.ask(path, "" if keep else "Connection: close\r\n", patience)
            body = await connection.body(head)
            if not 200 <= head.status < 400:
                raise Failed(f"status {head.status}", body[:200].decode("latin-1"), head.version)
            self.tally.answered(kind, head, began)
        except Failed as failure:
            self.tally.failed(kind, failure)
        else:
            if keep and not head.last:
                return connection
            self.tally.asked_to_close += keep
        if connection:
            connection.close()
        return None

    async def _websocket(self) -> None:
        sessions = self.tally.websockets
        ended, first = 0.0, True
        while not self.stopping.is_set():
            try:
                socket = await WebSocket.open(self.options)
            except Failed as failure:
                self.tally.failed("websocket", failure)
            else:
                self._opened("websocket", socket.head.version, ended)
                first = first and self._first_done()
                while not self.stopping.is_set() and not socket.ended:
                    sessions.messages += await socket.echo(f"{time.time_ns()}")
                    await self._pause()
                end = socket.ended or "stopped"
                sessions.closes[end] = sessions.closes.get(end, 0) + 1
                sessions.lost += socket.lost
                socket.connection.close()
                ended = self.tally.now
            first = first and self._first_done()
            await self._pause()

    async def _stream(self) -> None:
        ended, first = 0.0, True
        sessions = self.tally.streams
        while not self.stopping.is_set():
            connection: Connection | None = None
            try:
                connection = await Connection.open(self.options)
                head = await connection.ask(self.options.stream_path, "Accept: text/event-stream\r\n")
                if head.status != 200:
                    raise Failed(f"status {head.status}", version=head.version)
            except Failed as failure:
                self.tally.failed("stream", failure)
            else:
                self._opened("stream", head.version, ended)
                first = first and self._first_done()
                end = await self._events(connection)
                sessions.closes[end] = sessions.closes.get(end, 0) + 1
                ended = self.tally.now
            if connection:
                connection.close()
            first = first and self._first_done()
            await self._pause()

    async def _events(self, connection: Connection) -> str:
        """Count events until the stream ends; returns how."""
        try:
            async for chunk in connection.chunks():
                self.tally.streams.messages += chunk.count(b"\n\n")
                if self.stopping.is_set():
                    return "stopped"
        except asyncio.IncompleteReadError:
            return "cut"
        except TimeoutError:
            return "silent"
        except OSError:
            return "reset"
        except ValueError:
            return "malformed"
        return "ended"

    def _opened(self, kind: str, version: str, ended: float) -> None:
        sessions = self.tally.websockets if kind == "websocket" else self.tally.streams
        sessions.opened += 1
        sessions.versions[version] = sessions.versions.get(version, 0) + 1
        if ended:
            sessions.gap = max(sessions.gap, self.tally.now - ended)

    def _first_done(self) -> bool:
        """Tell that a client has done its first round; false, so that it tells once."""
        self.waiting -= 1
        if self.waiting <= 0:
            self.started.set()
        return False

    async def _pause(self) -> None:
        """About the pause that was asked for; clients do not march in step."""
        await asyncio.sleep(self.options.pause * random.uniform(0.5, 1.5))
