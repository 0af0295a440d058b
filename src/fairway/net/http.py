"""One HTTP/1.1 connection to an engine: h11 over asyncio's streams.

Whatever goes wrong on it is Disconnected, so that nobody takes it for a broken pipe of our own output.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

import h11
from msgspec import Struct

CHUNK = 1 << 18
SWITCHED = 101
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[], Awaitable[Streams]]
"""Opens a connection. Raises OSError (ssl.SSLError is one) and TimeoutError."""
Body = bytes | AsyncIterable[bytes | memoryview]


class Request(Struct, frozen=True):
    """`target` is the path with its query. A body that comes bit by bit is sent in chunks."""

    method: str
    target: str
    headers: Mapping[str, str] = {}
    body: Body | None = None


class Disconnected(ConnectionError):
    """The other side has hung up, or what it says is no HTTP. `errno` is the system's, where there was one."""


@contextmanager
def connected() -> Iterator[None]:
    """Raises Disconnected for whatever a connection that is open can fail with."""
    try:
        yield
    except (Disconnected, TimeoutError):
        raise
    except OSError as error:
        raise Disconnected(error.errno, str(error)) from error
    except h11.ProtocolError as error:
        raise Disconnected(f"what it says is no HTTP: {error}") from error


class Connection:
    """One request at a time. `used`: it has answered one before."""

    def __init__(self, streams: Streams) -> None:
        self.reader, self.writer = streams
        self.used = False
        self._http = h11.Connection(h11.CLIENT)
        self._sending: asyncio.Task[None] | None = None

    async def ask(self, request: Request) -> tuple[int, dict[str, str]]:
        """The status, and the headers by their names in small letters. After 101 nothing that follows is HTTP.

        A body that comes bit by bit is sent meanwhile, and afterwards: who refuses it answers before having read it all.
        """
        await self._begin(request)
        if not (request.body is None or isinstance(request.body, bytes)):
            self._sending = asyncio.create_task(self._send(request.body))
        try:
            return await self._head()
        except Disconnected:
            if self._sending and self._sending.done() and not self._sending.cancelled():
                self._sending.result()  # what the body could not be made of says more
            raise

    async def _begin(self, request: Request) -> None:
        body = request.body
        named = [("Host", "docker"), ("User-Agent", "fairway"), *request.headers.items()]
        if isinstance(body, bytes):
            named.append(("Content-Length", str(len(body))))
        elif body is not None:
            named.append(("Transfer-Encoding", "chunked"))
        self._write(h11.Request(method=request.method, target=request.target, headers=named))
        if isinstance(body, bytes):
            self._write(h11.Data(data=body))
        if body is None or isinstance(body, bytes):
            self._write(h11.EndOfMessage())
        await self._drain()

    async def _send(self, body: AsyncIterable[bytes | memoryview]) -> None:
        try:
            async for piece in body:
                self._write(h11.Data(data=piece))  # type: ignore[arg-type]
                await self._drain()
            self._write(h11.EndOfMessage())
            await self._drain()
        except BaseException:
            self.writer.transport.abort()
            raise

    def _write(self, event: h11.Event) -> None:
        with connected():
            self.writer.writelines(self._http.send_with_data_passthrough(event) or ())

    async def _drain(self) -> None:
        with connected():
            await self.writer.drain()

    async def _head(self) -> tuple[int, dict[str, str]]:
        while True:
            event = await self._event()
            if isinstance(event, h11.InformationalResponse) and event.status_code != SWITCHED:
                continue
            if not isinstance(event, h11.Response | h11.InformationalResponse):
                raise Disconnected("it has hung up without an answer")
            return event.status_code, {name.decode(): value.decode("latin-1") for name, value in event.headers}

    async def body(self) -> AsyncGenerator[bytes, None]:
        """As it comes."""
        while isinstance(event := await self._event(), h11.Data):
            yield bytes(event.data)
        if not isinstance(event, h11.EndOfMessage):
            raise Disconnected("it has hung up in the middle of an answer")

    async def _event(self) -> h11.Event:
        while True:
            with connected():
                event = self._http.next_event()
                if isinstance(event, h11.Event):
                    return event
                self._http.receive_data(await self.reader.read(CHUNK))

    def rest(self) -> bytes:
        """What has come already of that which is no HTTP."""
        return self._http.trailing_data[0]

    def renew(self) -> bool:
        """Whether another request may be sent: the answer was read to its end, and nobody has hung up."""
        done = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        if not done or self.closed:
            return False
        self._http.start_next_cycle()
        self.used = True
        return True

    @property
    def closed(self) -> bool:
        """As far as is known: by one of both sides."""
        return self.writer.is_closing() or self.reader.at_eof()

    def close(self) -> None:
        """At once. What was not read to its end is of no use to anybody, and what was not sent neither."""
        if self._sending:
            self._sending.cancel()
        self.writer.transport.abort()
