import unittest

from aiohttp.test_utils import AioHTTPTestCase
from identidock.parts import Unavailable
from identidock.web import application

PICTURE = b"\x89PNG"


class Painter:
    painted = 0
    broken = False

    async def paint(self, digest: str, size: int) -> bytes:
        if self.broken:
            raise Unavailable("the painter is out")
        self.painted += 1
        return PICTURE

    async def close(self) -> None:
        pass


class Cache(dict):
    broken = False

    async def get(self, key: str) -> bytes | None:
        if self.broken:
            raise Unavailable("the cache is out")
        return dict.get(self, key)

    async def put(self, key: str, picture: bytes) -> None:
        self[key] = picture

    async def close(self) -> None:
        pass


class Web(AioHTTPTestCase):
    fault = ""

    async def get_application(self):
        self.painter, self.cache = Painter(), Cache()
        return application(version="test", painter=self.painter, cache=self.cache, fault=self.fault)

    async def test_a_name_is_shown_escaped(self) -> None:
        answer = await self.client.post("/", data={"name": '"><script>alert(1)</script>'})
        page = await answer.text()
        self.assertNotIn("<script>", page)
        self.assertIn("&lt;script&gt;", page)
        self.assertIn("/monster/%22%3E%3Cscript%3E", page)

    async def test_the_form_comes_with_a_name(self) -> None:
        self.assertIn('src="/monster/Gordon"', await (await self.client.get("/")).text())

    async def test_a_picture_is_painted_once_and_then_cached(self) -> None:
        for found in ("miss", "hit"):
            answer = await self.client.get("/monster/gordon")
            self.assertEqual((answer.status, answer.headers["X-Cache"]), (200, found))
            self.assertEqual(await answer.read(), PICTURE)
        self.assertEqual(self.painter.painted, 1)

    async def test_two_names_have_two_pictures(self) -> None:
        await self.client.get("/monster/gordon")
        await self.client.get("/monster/freeman")
        self.assertEqual(len(self.cache), 2)

    async def test_without_a_cache_pictures_are_painted(self) -> None:
        self.cache.broken = True
        answer = await self.client.get("/monster/gordon")
        self.assertEqual((answer.status, answer.headers["X-Cache"]), (200, "none"))

    async def test_without_a_painter_there_is_an_error_that_says_so(self) -> None:
        self.painter.broken = True
        answer = await self.client.get("/monster/gordon")
        self.assertEqual((answer.status, await answer.text()), (502, "the painter is out\n"))

    async def test_ready_tells_whether_the_parts_answer(self) -> None:
        self.assertEqual((await self.client.get("/ready")).status, 200)
        self.cache.broken = True
        self.assertEqual((await self.client.get("/ready")).status, 503)
        self.assertEqual((await self.client.get("/up")).status, 200)

    async def test_every_answer_says_the_version(self) -> None:
        for path in ("/", "/up", "/nowhere", "/slow?s=0", "/slow?s=x"):
            self.assertEqual((await self.client.get(path)).headers["X-Version"], "test")

    async def test_a_websocket_echoes_and_is_told_of_the_end(self) -> None:
        socket = await self.client.ws_connect("/ws")
        await socket.send_str("ahoy")
        self.assertEqual(await socket.receive_str(), "ahoy")
        await self.app.shutdown()
        self.assertEqual((await socket.receive()).data, 1001)

    async def test_an_event_stream_ends_with_the_server(self) -> None:
        answer = await self.client.get("/events")
        self.assertTrue((await answer.content.readline()).startswith(b"data: "))
        await self.app.shutdown()
        await answer.read()


class NeverReady(AioHTTPTestCase):
    async def get_application(self):
        return application(version="test", painter=Painter(), cache=Cache(), fault="never-ready")

    async def test_it_is_never_up(self) -> None:
        self.assertEqual((await self.client.get("/up")).status, 503)


class Errors(AioHTTPTestCase):
    async def get_application(self):
        return application(version="test", painter=Painter(), cache=Cache(), fault="errors")

    async def test_every_second_page_fails_but_it_is_up(self) -> None:
        pages = [(await self.client.get("/")).status for _ in range(4)]
        self.assertEqual(sorted(pages), [200, 200, 500, 500])
        self.assertEqual((await self.client.get("/up")).status, 200)


if __name__ == "__main__":
    unittest.main()
