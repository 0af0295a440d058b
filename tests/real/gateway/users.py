"""Users of a place: requests of any kind in any number, and browsers that keep their cookies."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.load.http import Connection, Failed, Head, parse
from tests.load.options import Options
from tests.real.gateway.place import Place

AT_ONCE = 16


async def send(connection: Connection, host: str, method: str, path: str, headers: str = "", body: bytes = b"") -> Head:
    """One request on an open connection; `headers` are lines that end with CRLF. Raises Failed."""
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    connection.writer.write(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}{length}\r\n".encode() + body)
    try:
        async with asyncio.timeout(30):
            head = parse(await connection.reader.readuntil(b"\r\n\r\n"))
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        raise Failed("no answer", repr(error)) from None
    if method != "HEAD":
        await connection.body(head)
    return head


@dataclass
class Users:
    """`host` is the place's own name where it is empty."""

    place: Place
    host: str = ""
    connections: list[Connection] = field(default_factory=list)

    async def ask(self, path: str = "/", method: str = "GET", headers: str = "", body: bytes = b"") -> Head:
        """One request, on a connection of its own or on one that is free. Raises Failed."""
        options = Options(**self.place.options())
        while self.connections and self.connections[-1].closed:
            self.connections.pop().close()
        connection = self.connections.pop() if self.connections else await Connection.open(options)
        try:
            head = await send(connection, self.host or self.place.name, method, path, headers, body)
        except BaseException:
            connection.close()
            raise
        if head.last:
            connection.close()
        else:
            self.connections.append(connection)
        return head

    async def many(self, count: int, ask: Callable[[int], tuple[str, str, str]] | None = None) -> Counter[str]:
        """So many requests, AT_ONCE at a time; `ask` gives path, method and headers of each. Answers by version and status."""
        found: Counter[str] = Counter()
        left = iter(range(count))

        async def work() -> None:
            for number in left:
                try:
                    head = await self.ask(*(ask(number) if ask else ("/", "GET", "")))
                    found[f"{head.version} {head.status}" if head.status != 200 else head.version] += 1
                except Failed as failure:
                    found[failure.reason] += 1

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        return found

    async def seen(self) -> dict[str, int]:
        """What the one replica behind this host has seen, but for this very question."""
        options = Options(**self.place.options())
        connection = await Connection.open(options)
        try:
            connection.writer.write(f"GET /seen HTTP/1.1\r\nHost: {self.host or self.place.name}\r\n\r\n".encode())
            head = parse(await connection.reader.readuntil(b"\r\n\r\n"))
            found: dict[str, int] = json.loads(await connection.body(head))
        finally:
            connection.close()
        return {kind: count for kind, count in found.items() if not kind.endswith(("/up", "/seen", "/seen copied"))}

    def close(self) -> None:
        for connection in self.connections:
            connection.close()


@dataclass
class Browser:
    """One user, who keeps cookies."""

    jar: dict[str, str] = field(default_factory=dict)

    async def visit(self, users: Users) -> str:
        """The version that answers."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        head = await users.ask(headers=f"Cookie: {cookies}\r\n" if cookies else "")
        assert head.status == 200
        if given := head.headers.get("set-cookie"):
            name, _, value = given.partition(";")[0].partition("=")
            self.jar[name] = value
        return head.version
