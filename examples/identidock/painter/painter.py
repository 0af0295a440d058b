"""The image service: GET /monster/DIGEST?size=PIXELS answers with a PNG."""

from aiohttp import web
from picture import draw

PORT = 8080


async def monster(request: web.Request) -> web.Response:
    try:
        picture = draw(bytes.fromhex(request.match_info["digest"]), int(request.query.get("size", "80")))
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"{error}\n") from None
    return web.Response(body=picture, content_type="image/png")


async def up(_: web.Request) -> web.Response:
    return web.Response(text="up\n")


def application() -> web.Application:
    app = web.Application()
    app.add_routes([web.get("/monster/{digest}", monster), web.get("/up", up)])
    return app


if __name__ == "__main__":
    web.run_app(application(), port=PORT, access_log=None, shutdown_timeout=8)
