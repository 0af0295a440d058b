"""HTTP/1.1 by hand, so that each failure is told from the others.

refused, unreachable   no connection
connect timed out
reset                  the connection was torn down in the middle
closed                 it was closed before a byte of the answer, on a fresh connection
idle_closed            the same on a kept connection that was idle before: the server closed as the request came
truncated              part of an answer
timed out              nothing came for too long
malformed              not HTTP, or an answer whose end cannot be known
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cache
from typing import Self

from tests.load.options import Options


class Failed(Exception):
    def __init__(self, reason: str, detail: str = "", version: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
        self.version = version


@dataclass(frozen=True)
class Head:
    status: int
    headers: dict[str, str]

    @property
    def version(self) -> str:
        return self.headers.get("x-version", "")

    @property
    def last(self) -> bool:
        return "close" in self.headers.get("connection", "").lower()


@dataclass
class Connection:
    """One TCP connection and what became of it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    options: Options
    answered: int = field(default=0)

    @classmethod
    async def open(cls, options: Options) -> Self:
        try:
            async with asyncio.timeout(options.timeout):
                tls = {"ssl": _trusting(), "server_hostname": options.authority} if options.tls else {}
                reader, writer = await asyncio.open_connection(*options.address, **tls)
        except TimeoutError:
            raise Failed("connect timed out") from None
        except ConnectionRefusedError:
            raise Failed("refused") from None
        except OSError as error:
            raise Failed("unreachable", str(error)) from None
        return cls(reader, writer, options)

    @property
    def closed(self) -> bool:
        """The server has closed, as far as is known here."""
        return self.reader.at_eof() or self.reader.exception() is not None

    def close(self) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            self.writer.close()

    async def ask(self, path: str, extra: str = "", patience: float = 0.0) -> Head:
        """Send a GET and read the head of the answer; `patience` seconds are added to the timeout."""
        request = f"GET {path} HTTP/1.1\r\nHost: {self.options.authority}\r\n{extra}\r\n"
        try:
            self.writer.write(request.encode())
            async with asyncio.timeout(self.options.timeout + patience):
                await self.writer.drain()
                head = parse(await self.reader.readuntil(b"\r\n\r\n"))
        except TimeoutError:
            raise Failed("timed out", path) from None
        except asyncio.IncompleteReadError as error:
            raise Failed("truncated" if error.partial else self._closed_early, path) from None
        except OSError as error:
            raise Failed("idle_closed" if self.answered else "reset", str(error)) from None
        except (ValueError, asyncio.LimitOverrunError) as error:
            raise Failed("malformed", str(error)) from None
        self.answered += 1
        return head

    async def body(self, head: Head) -> bytes:
        """Read the whole body; an answer that ends with the connection is malformed: it may have been cut."""
        try:
            if "chunked" in head.headers.get("transfer-encoding", "").lower():
                return b"".join([chunk async for chunk in self.chunks()])
            if head.status in {204, 304}:
                return b""
            if "content-length" not in head.headers:
                raise Failed("malformed", "neither Content-Length nor chunks", head.version)
            async with asyncio.timeout(self.options.timeout):
                return await self.reader.readexactly(int(head.headers["content-length"]))
        except TimeoutError:
            raise Failed("timed out", "in the body", head.version) from None
        except asyncio.IncompleteReadError:
            raise Failed("truncated", "in the body", head.version) from None
        except OSError as error:
            raise Failed("reset", str(error), head.version) from None
        except ValueError as error:
            raise Failed("malformed", str(error), head.version) from None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The chunks as they come; raises as the stream reader does, TimeoutError when one is overdue."""
        while True:
            async with asyncio.timeout(self.options.timeout):
                size = int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16)
                chunk = (await self.reader.readexactly(size + 2))[:-2]
            if not size:
                return
            yield chunk

    @property
    def _closed_early(self) -> str:
        return "idle_closed" if self.answered else "closed"


@cache
def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def parse(raw: bytes) -> Head:
    status, *lines = raw.decode("latin-1").split("\r\n")[:-2]
    protocol, code, *_ = status.split(" ")
    if not protocol.startswith("HTTP/1."):
        raise ValueError(f"not an answer: {status[:60]!r}")
    pairs = (line.partition(":") for line in lines)
    return Head(int(code), {name.strip().lower(): value.strip() for name, _, value in pairs})
