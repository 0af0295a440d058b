"""The client of Docker's API, against servers that do what an engine does on a bad day."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from fairway.model.errors import EngineUnreachable
from fairway.net.client import Docker, DockerError
from fairway.net.errors import translated
from fairway.net.http import Disconnected
from fairway.net.stream import STDERR, STDOUT, Frames, Message

pytestmark = pytest.mark.anyio
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def engine(directory: Path, talk: Talk) -> AsyncIterator[Docker]:
    """A client of a server that treats each connection as `talk` does."""
    path = str(directory / "s")

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_unix_server(served, path)
    try:
        async with Docker(partial(asyncio.open_unix_connection, path), timeout=1) as docker:
            yield docker
    finally:
        server.close()


async def head(reader: asyncio.StreamReader) -> str:
    return (await reader.readuntil(b"\r\n\r\n")).decode()


async def test_parameters_are_written_as_docker_wants_them(tmp_path: Path) -> None:
    heads: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            heads.append(await head(reader))
            writer.write(OK)

    async with engine(tmp_path, talk) as docker:
        docker.api_version = "v1.41"
        assert await docker.get("containers/json", all=True, filters={"label": ["a=b c"]}, limit=None) == {}
        assert await docker.get("images/r.example:5000/a@sha256:0/json") == {}
    assert heads[0].startswith(
        "GET /v1.41/containers/json?all=true&filters=%7B%22label%22%3A+%5B%22a%3Db+c%22%5D%7D HTTP/1.1\r\n"
    )
    assert heads[1].startswith("GET /v1.41/images/r.example:5000/a@sha256:0/json HTTP/1.1\r\n")


async def test_a_refusal_has_its_status_and_its_words(tmp_path: Path) -> None:
    answers = iter(
        [
            b'HTTP/1.1 409 Conflict\r\nContent-Length: 20\r\n\r\n{"message": "taken"}',
            b"HTTP/1.1 500 Oh\r\nContent-Length: 9\r\n\r\nno JSON \n",
        ]
    )

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await head(reader)
            writer.write(answer)

    async with engine(tmp_path, talk) as docker:
        for expected in (DockerError(409, "taken"), DockerError(500, "no JSON")):
            with pytest.raises(DockerError) as caught:
                await docker.post("containers/create")
            assert caught.value.args == expected.args


async def test_a_kept_connection_that_is_dead_is_asked_again_only_where_that_is_safe(tmp_path: Path) -> None:
    asked: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one request on each connection, reads a second one, and hangs up."""
        asked.append((await head(reader)).split()[0])
        writer.write(OK)
        asked.append((await head(reader)).split()[0])

    async with engine(tmp_path, talk) as docker:
        await docker.get("info")
        await docker.get("info")
        assert asked == ["GET", "GET", "GET"]
        with pytest.raises(Disconnected):
            await docker.post("containers/create")
        assert asked == ["GET", "GET", "GET", "POST"]


async def test_who_refuses_a_long_body_is_heard_although_it_was_not_sent_to_its_end(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        await reader.read(1000)
        writer.write(b'HTTP/1.1 507 Full\r\nContent-Length: 19\r\n\r\n{"message": "full"}')
        await asyncio.sleep(5)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    async with engine(tmp_path, talk) as docker:
        with pytest.raises(DockerError, match="full"):
            async with docker.open("POST", "images/load", body=endless()):
                pass


async def test_a_body_that_cannot_be_made_is_its_own_error(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise LookupError("the source is gone")

    async with engine(tmp_path, talk) as docker:
        with pytest.raises(LookupError):
            async with docker.open("POST", "images/load", body=broken()):
                pass


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTTP/1.1 200",
        b"220 mail.example.com ESMTP\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
    ],
)
async def test_what_ends_early_or_is_no_http_is_an_engine_out_of_reach(tmp_path: Path, said: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(said)
        await writer.drain()

    async with engine(tmp_path, talk) as docker:
        with pytest.raises(EngineUnreachable) as caught, translated("web-1"):
            await docker.get("info")
        assert caught.value.why


async def test_where_nothing_listens(tmp_path: Path) -> None:
    async with Docker(partial(asyncio.open_unix_connection, str(tmp_path / "none"))) as docker:
        with pytest.raises(EngineUnreachable, match="web-1") as caught, translated("web-1"):
            await docker.get("info")
        assert caught.value.why == "there is no such socket"


async def test_lines_come_as_they_are_said_wherever_they_are_cut(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (b'{"a"', b': 1}\r\n{"b":', b' 2}\n\n{"c": 3}'):
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(0.01)
        writer.write(b"0\r\n\r\n")

    async with engine(tmp_path, talk) as docker, docker.open("GET", "events") as answer:
        assert [said async for said in answer.lines()] == [{"a": 1}, {"b": 2}, {"c": 3}]


async def test_silence_is_noticed(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        await asyncio.sleep(5)

    async with (
        engine(tmp_path, talk) as docker,
        docker.open("GET", "images/a/get") as answer,
        aclosing(answer.chunks(silence=0.05)) as chunks,
    ):
        assert await anext(chunks) == b"x"
        with pytest.raises(TimeoutError):
            await anext(chunks)


async def test_a_connection_handed_over_goes_both_ways(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Its first words come in the same packet as the end of HTTP."""
        await head(reader)
        assert await reader.readexactly(14) == b'{"Tty": false}'
        writer.write(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n\x01\0\0\0\0\0\0\x03hi ")
        heard = await reader.read(100)
        writer.write(b"\x02\0\0\0" + len(heard).to_bytes(4, "big") + heard)

    async with engine(tmp_path, talk) as docker:
        stream = await docker.hijack("exec/1/start", data={"Tty": False})
        assert await stream.read() == Message(STDOUT, b"hi ")
        await stream.write("größe".encode())
        assert await stream.read() == Message(STDERR, "größe".encode())
        assert await stream.read() is None
        stream.close()


async def test_all_that_is_under_way_ends_when_the_connections_are_cut(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with engine(tmp_path, talk) as docker:
        waiting = [asyncio.create_task(docker.get("info")) for _ in range(3)]
        await asyncio.sleep(0.05)
        docker.cut()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(error) for error in ended] == [Disconnected] * 3


def test_frames_come_whole_wherever_they_are_cut() -> None:
    said = b"\x01\0\0\0\0\0\0\x02ab\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\x01c"
    for size in range(1, len(said) + 1):
        frames, heard = Frames(), []
        for start in range(0, len(said), size):
            frames.feed(said[start : start + size])
            while message := frames.next():
                heard.append(message)
        assert heard == [Message(STDOUT, b"ab"), Message(STDERR, b""), Message(STDOUT, b"c")]
