"""A client of Docker's HTTP API: paths, parameters and bodies are those of its reference; JSON is written and read here.

Why not aiodocker: docs/decisions/0011.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode

from fairway.net.http import SWITCHED, Body, Connection, Dial, Disconnected, Request, connected
from fairway.net.stream import Stream

Parameter = str | int | float | Mapping[str, Any] | list[str] | None
"""Booleans are written as Docker wants them, mappings and lists as JSON; None is left out."""
TAR = {"Content-Type": "application/x-tar"}
AT_ONCE = 64
"""How many short questions an engine is asked at the same time."""
IDLE = 16
"""How many connections are kept for later."""
SAFE = ("GET", "HEAD")
"""What may be asked again where a connection that was kept turns out to be dead."""


class DockerError(Exception):
    """The engine refused. `status` is that of the answer, `message` what it said."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message


class Response:
    """An answer whose body is still to come. `headers` by their names in small letters."""

    def __init__(self, connection: Connection, status: int, headers: Mapping[str, str]) -> None:
        self.status = status
        self.headers = headers
        self._connection = connection

    async def read(self) -> bytes:
        return b"".join([piece async for piece in self._connection.body()])

    async def chunks(self, silence: float | None = None) -> AsyncGenerator[bytes, None]:
        """As they come; TimeoutError where nothing comes for `silence` seconds."""
        async with aclosing(self._connection.body()) as pieces:
            while True:
                async with asyncio.timeout(silence):
                    piece = await anext(pieces, None)
                if piece is None:
                    return
                yield piece

    async def lines(self, silence: float | None = None) -> AsyncGenerator[Any, None]:
        """Of a stream of JSON, one value a line."""
        rest = b""
        async with aclosing(self.chunks(silence)) as pieces:
            async for piece in pieces:
                *whole, rest = (rest + piece).split(b"\n")
                for line in whole:
                    if line.strip():
                        yield json.loads(line)
        if rest.strip():
            yield json.loads(rest)


class Caller(ABC):
    """Whoever is asked through Docker's API."""

    @abstractmethod
    async def call(self, method: str, path: str, params: Mapping[str, Parameter], body: Any = None) -> Any: ...

    async def get(self, path: str, **params: Parameter) -> Any:
        return await self.call("GET", path, params)

    async def post(self, path: str, body: Any = None, **params: Parameter) -> Any:
        return await self.call("POST", path, params, body)

    async def delete(self, path: str, **params: Parameter) -> Any:
        return await self.call("DELETE", path, params)


class Docker(Caller):
    """An async context. `api_version` (`v1.41`) is set once it is known. Calls raise DockerError, Disconnected, TimeoutError.

    `timeout`, seconds, is for a new connection: an answer may take as long as it needs.
    """

    def __init__(self, dial: Dial, *, timeout: float = 10.0) -> None:
        self.api_version = ""
        self._dial = dial
        self._timeout = timeout
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._idle: list[Connection] = []
        self._busy: set[Connection | Stream] = set()

    async def __aenter__(self) -> Docker:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()

    def cut(self) -> None:
        """End all connections at once; whoever waits for an answer is told."""
        for connection in (*self._idle, *self._busy):
            connection.close()
        self._idle.clear()

    async def call(
        self,
        method: str,
        path: str,
        params: Mapping[str, Parameter],
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """What the engine answers, as JSON; None where it answers nothing."""
        async with self._gate, self.open(method, path, params, data=body, headers=headers) as answer:
            said = await answer.read()
        return json.loads(said) if said.strip() else None

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        params: Mapping[str, Parameter] | None = None,
        *,
        data: Any = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Response]:
        """An answer that is read bit by bit; what was not read when the context ends is not waited for.

        `data` is sent as JSON, `body` as it is.
        """
        if data is not None:
            body, kind = _json(data)
            headers = {**kind, **(headers or {})}
        request = Request(method, self._target(path, params), headers or {}, body)
        connection, answer = await self._ask(request)
        try:
            if answer.status >= 400:
                raise DockerError(answer.status, _message(await answer.read()))
            yield answer
        finally:
            self._put_back(connection)

    async def hijack(
        self, path: str, params: Mapping[str, Parameter] | None = None, *, data: Any = None, tty: bool = False
    ) -> Stream:
        """The connection itself, after a POST, to a process; `tty` says whether that has a terminal."""
        body, headers = _json(data) if data is not None else (b"", {})
        upgrade = {**headers, "Connection": "Upgrade", "Upgrade": "tcp"}
        connection, answer = await self._ask(Request("POST", self._target(path, params), upgrade, body))
        try:
            if answer.status >= 400:
                raise DockerError(answer.status, _message(await answer.read()))
            if answer.status != SWITCHED:
                raise Disconnected(f"it does not hand the connection over (status {answer.status})")
        except BaseException:
            self._put_back(connection)
            raise
        self._busy.discard(connection)
        stream = Stream(connection, tty=tty, closed=self._busy.discard)
        self._busy.add(stream)
        return stream

    async def _ask(self, request: Request) -> tuple[Connection, Response]:
        while True:
            connection = self._kept() or await self._new()
            self._busy.add(connection)
            try:
                status, said = await connection.ask(request)
            except BaseException as error:
                self._busy.discard(connection)
                connection.close()
                if not (isinstance(error, Disconnected) and connection.used and request.method in SAFE):
                    raise
            else:
                return connection, Response(connection, status, said)

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed:
                return connection
            connection.close()
        return None

    async def _new(self) -> Connection:
        with connected():
            async with asyncio.timeout(self._timeout):
                return Connection(await self._dial())

    def _put_back(self, connection: Connection) -> None:
        self._busy.discard(connection)
        if len(self._idle) < IDLE and connection.renew():
            self._idle.append(connection)
        else:
            connection.close()

    def _target(self, path: str, params: Mapping[str, Parameter] | None) -> str:
        query = urlencode({name: _text(value) for name, value in (params or {}).items() if value is not None})
        version = f"/{self.api_version}" if self.api_version else ""
        return f"{version}/{quote(path, safe='/:@')}{'?' if query else ''}{query}"


def _json(data: Any) -> tuple[bytes, dict[str, str]]:
    return json.dumps(data).encode(), {"Content-Type": "application/json"}


def _text(value: Parameter) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, Mapping | list) else str(value)


def _message(said: bytes) -> str:
    with suppress(ValueError, KeyError, TypeError):
        return str(json.loads(said)["message"])
    return said.decode(errors="replace").strip()
