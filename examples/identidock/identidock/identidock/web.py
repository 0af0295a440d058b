"""The pages.

/               a form; POST shows the picture of a name
/monster/NAME   the picture itself; X-Cache says hit, miss, or none when the cache does not answer
/up             whether this process serves; asks nobody
/ready          whether the painter and the cache answer too
/slow?s=3       an answer that takes its time
/events         an event stream
/ws             a WebSocket that echoes
"""

import asyncio
import contextlib
import hashlib
import html
import itertools
import time
import weakref
from urllib.parse import quote

from aiohttp import WSCloseCode, WSMsgType, web

from identidock.parts import Cache, Painter, Unavailable

SALT = "unique salt of this installation"
SIZE = 80
FAULTS = {"errors": (2, False), "some-errors": (20, False), "slow": (5, True)}
"""Every so many pages are at fault, and whether they are slow or fail."""
PAGE = """<!DOCTYPE html>
<html lang="en">
<title>Identidock</title>
<form method="post">Hello <input name="name" value="{value}" aria-label="name"> <button>show</button></form>
<p>You look like a <img src="/monster/{path}" alt="the picture of {value}" width="{size}" height="{size}"></p>
</html>
"""


def application(*, version: str, painter: Painter, cache: Cache, fault: str = "") -> web.Application:
    app = web.Application(middlewares=[faulty])
    app.update(version=version, painter=painter, cache=cache, fault=fault, pages=itertools.count())
    app.update(sockets=weakref.WeakSet(), stopping=asyncio.Event())
    app.add_routes(
        [
            web.get("/", index),
            web.post("/", index),
            web.get("/monster/{name}", monster),
            web.get("/up", up),
            web.get("/ready", ready),
            web.get("/slow", slow),
            web.get("/events", events),
            web.get("/ws", echo),
        ]
    )
    app.on_response_prepare.append(say_version)
    app.on_shutdown.append(say_goodbye)
    app.on_cleanup.append(close_parts)
    return app


async def index(request: web.Request) -> web.Response:
    form = await request.post() if request.method == "POST" else {}
    name = str(form.get("name") or "Gordon")
    page = PAGE.format(value=html.escape(name), path=quote(name, safe=""), size=SIZE)
    return web.Response(text=page, content_type="text/html")


async def monster(request: web.Request) -> web.Response:
    """A cache that does not answer costs time, never the picture."""
    painter, cache = request.app["painter"], request.app["cache"]
    digest = hashlib.sha256(f"{SALT}{request.match_info['name']}".encode()).hexdigest()
    found = "none"
    picture = None
    with contextlib.suppress(Unavailable):
        picture = await cache.get(digest)
        found = "miss" if picture is None else "hit"
    if picture is None:
        try:
            picture = await painter.paint(digest, SIZE)
        except Unavailable as error:
            raise web.HTTPBadGateway(text=f"{error}\n") from None
    if found == "miss":
        with contextlib.suppress(Unavailable):
            await cache.put(digest, picture)
    return web.Response(body=picture, content_type="image/png", headers={"X-Cache": found})


async def up(request: web.Request) -> web.Response:
    if request.app["fault"] == "never-ready":
        raise web.HTTPServiceUnavailable(text="never up\n")
    return web.Response(text="up\n")


async def ready(request: web.Request) -> web.Response:
    try:
        await request.app["cache"].get("")
        await request.app["painter"].paint("00" * 32, SIZE)
    except Unavailable as error:
        raise web.HTTPServiceUnavailable(text=f"{error}\n") from None
    return web.Response(text="ready\n")


async def slow(request: web.Request) -> web.Response:
    try:
        seconds = max(0.0, min(60.0, float(request.query.get("s", "3"))))
    except ValueError:
        raise web.HTTPBadRequest(text="s is a number of seconds\n") from None
    await asyncio.sleep(seconds)
    return web.Response(text=f"that took {seconds:g} s\n")


async def events(request: web.Request) -> web.StreamResponse:
    stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await stream.prepare(request)
    stopping = request.app["stopping"]
    with contextlib.suppress(ConnectionResetError):  # the reader has left
        while not stopping.is_set():
            await stream.write(f"data: {time.time():.3f}\n\n".encode())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), 0.25)
    return stream


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    request.app["sockets"].add(socket)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
    await socket.close(code=WSCloseCode.GOING_AWAY if request.app["stopping"].is_set() else WSCloseCode.OK)
    return socket


@web.middleware
async def faulty(request: web.Request, handler) -> web.StreamResponse:
    """Some pages fail, or take their time; /up does not, so only those who look at the pages can tell."""
    every, slow = FAULTS.get(request.app["fault"], (0, False))
    if every and request.path != "/up" and next(request.app["pages"]) % every == every - 1:
        if not slow:
            raise web.HTTPInternalServerError(text="broken on purpose\n")
        await asyncio.sleep(0.1)
    return await handler(request)


async def say_version(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["X-Version"] = request.app["version"]


async def say_goodbye(app: web.Application) -> None:
    """On SIGTERM, when no connection is accepted any more: end what would never end by itself."""
    app["stopping"].set()
    for socket in set(app["sockets"]):
        await socket.close(code=WSCloseCode.GOING_AWAY, message=b"stopping")


async def close_parts(app: web.Application) -> None:
    await app["painter"].close()
    await app["cache"].close()
