"""A small web server for replicas: `python3 upstream.py PORT VERSION [IDLE [DELAY]]`. The standard library alone, for old Pythons too.

/up at once · /slow?s=3 after so many seconds · /ws echoes · /events streams · /hang never · /die kills the server
/reset tears the connection down once the request is read · /deaf?s=3 refuses connections for so many seconds
/seen tells how many requests have come, by method, path, and whether they were copies
An idle connection is closed after IDLE seconds whatever has just come, as some servers do; after an hour by default.
Requests but those for /up, /seen and /deaf are left alone for DELAY seconds, and their bodies unread.
"""

import asyncio
import base64
import hashlib
import json
import os
import sys
from urllib.parse import parse_qs, urlsplit

PORT = int(sys.argv[1])
VERSION = sys.argv[2]
IDLE = float(sys.argv[3]) if len(sys.argv) > 3 else None
DELAY = float(sys.argv[4]) if len(sys.argv) > 4 else 0
SEEN = {}
server = None
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def answer(status, body, headers=""):
    if not server.is_serving():
        headers += "Connection: close\r\n"
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


async def listen():
    global server
    server = await asyncio.start_server(connection, "0.0.0.0", PORT, backlog=1024)


async def deaf(seconds):
    """What is open is closed with the next answer."""
    server.close()
    await asyncio.sleep(seconds)
    await listen()


async def request(reader, writer, head):
    method, target = head.split(b" ", 2)[:2]
    url = urlsplit(target.decode())
    copy = " copied" if b"\r\nx-fairway-mirror: true\r\n" in head.lower() else ""
    kind = f"{method.decode()} {url.path}{copy}"
    SEEN[kind] = SEEN.get(kind, 0) + 1
    if DELAY and url.path not in ("/up", "/seen", "/deaf"):
        await asyncio.sleep(DELAY)
    length = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    if length:
        await reader.readexactly(length)
    if url.path == "/reset":
        writer.transport.abort()
    else:
        writer.write(await answered(url.path, float(parse_qs(url.query).get("s", ["0"])[0]), head, method != b"HEAD"))


async def answered(path, seconds, head, body):
    if path == "/slow":
        await asyncio.sleep(seconds)
    elif path == "/hang":
        await asyncio.sleep(3600)
    elif path == "/die":
        os._exit(9)
    elif path == "/deaf":
        asyncio.get_running_loop().create_task(deaf(seconds))
    elif path == "/seen":
        return answer("200 OK", json.dumps(SEEN).encode())
    elif path == "/headers":
        return answer("200 OK", head)
    elif path == "/error":
        return answer("500 Internal Server Error", b"broken")
    return answer("200 OK", VERSION.encode() if body else b"")


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
    await listen()
    await asyncio.get_running_loop().create_future()


asyncio.run(main())
