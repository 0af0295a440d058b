"""A replica: `python server.py VERSION`. Port 80 is HTTP; 6379 says the version to each connection, and repeats its lines."""

from __future__ import annotations

import asyncio
import sys

VERSION = sys.argv[1].encode()


async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(VERSION), VERSION))
    writer.close()


async def lines(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """To who has ended their side it says so."""
    writer.write(VERSION + b"\n")
    try:
        while line := await reader.readline():
            writer.write(line)
        writer.write(b"ended\n")
        await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def main() -> None:
    servers = [await asyncio.start_server(http, "", 80), await asyncio.start_server(lines, "", 6379)]
    await asyncio.gather(*(server.serve_forever() for server in servers))


asyncio.run(main())
