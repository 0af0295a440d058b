"""A small web server for replicas: `python3 upstream.py PORT VERSION [IDLE]`. The standard library alone, for old Pythons too.

/up at once · /slow?s=3 after so many seconds · /ws echoes · /events streams · /hang never · /die kills the server.
An idle connection is closed after IDLE seconds whatever has just come, as some servers do; after an hour by default.
"""

import asyncio
import base64
import hashlib
import os
import sys
from urllib.parse import parse_qs, urlsplit

PORT = int(sys.argv[1])
VERSION = sys.argv[2]
IDLE = float(sys.argv[3]) if len(sys.argv) > 3 else None
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def answer(status, body, headers=""):
    head = f"HTTP/1.1 {status}\r\nX-Version: {VERSION}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


async def websocket(reader, writer, head):
    key = next(
        line.split(b":", 1)[1].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")
    )
    accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest()).decode()
    writer.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"X-Version: {VERSION}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode()
    )
    while True:
        first, second = await reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            size = int.from_bytes(await reader.readexactly(2), "big")
        mask = await reader.readexactly(4)
        data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(await reader.readexactly(size)))
        length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
        writer.write(bytes([first]) + length + data)
        await writer.drain()
        if first & 0x0F == 8:
            return


async def events(writer):
    writer.write(
        f"HTTP/1.1 200 OK\r\nX-Version: {VERSION}\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n".encode()
    )
    while True:
        writer.write(b"data: tick\n\n")
        await writer.drain()
        await asyncio.sleep(0.1)


async def request(reader, writer, head):
    url = urlsplit(head.split(b" ", 2)[1].decode())
    query = parse_qs(url.query)
    length = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    if length:
        await reader.readexactly(length)
    if url.path == "/slow":
        await asyncio.sleep(float(query["s"][0]))
    elif url.path == "/hang":
        await asyncio.sleep(3600)
    elif url.path == "/die":
        os._exit(9)
    elif url.path == "/headers":
        writer.write(answer("200 OK", head))
        return
    elif url.path == "/error":
        writer.write(answer("500 Internal Server Error", b"broken"))
        return
    writer.write(answer("200 OK", VERSION.encode()))


async def connection(reader, writer):
    try:
        while True:
            hang_up = asyncio.get_running_loop().call_later(IDLE or 3600, writer.transport.abort)
            head = await reader.readuntil(b"\r\n\r\n")
            hang_up.cancel()
            path = head.split(b" ", 2)[1]
            if path.startswith(b"/ws"):
                return await websocket(reader, writer, head)
            if path.startswith(b"/events"):
                return await events(writer)
            await request(reader, writer, head)
            await writer.drain()
    except (asyncio.IncompleteReadError, OSError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(connection, "0.0.0.0", PORT, backlog=1024)
    async with server:
        await server.serve_forever()


asyncio.run(main())
