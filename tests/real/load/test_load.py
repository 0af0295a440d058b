"""The witness must not look away: a server that misbehaves in every known way, and what is said of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.lab.shell import wait_until
from tests.load.clients import Crew
from tests.load.load import Load
from tests.load.options import Options
from tests.load.report import Report

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
GOOD = b"HTTP/1.1 200 OK\r\nX-Version: v1\r\nContent-Length: 2\r\n\r\nok"
QUIET: dict[str, Any] = {
    "keep_alive": 0,
    "one_shot": 0,
    "slow": 0,
    "websockets": 0,
    "streams": 0,
    "pause": 0.01,
    "timeout": 0.3,
}

pytestmark = pytest.mark.anyio


@contextlib.asynccontextmanager
async def server(answer: Handler) -> AsyncIterator[str]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            await answer(reader, writer)
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def load(url: str, seconds: float = 0.2, **options: Any) -> Report:
    crew = Crew(Options(url=url, **{**QUIET, **options}))
    asyncio.get_running_loop().call_later(seconds, crew.stopping.set)
    await crew.work()
    return crew.tally.report()


async def head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def once(raw: bytes) -> Handler:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(raw)
        await writer.drain()

    return answer


async def faithful(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await head(reader)
        writer.write(GOOD)


async def test_complete_answers_are_counted_by_version_and_status() -> None:
    async with server(faithful) as url:
        report = await load(url, keep_alive=2, one_shot=2)
    assert report.failed == 0
    assert report.versions == {"v1": report.requests}
    assert [entry.status for entry in report.answers] == [200]
    assert set(report.latency) == {"keep-alive", "one-shot"}


async def test_a_chunked_answer_is_read_to_its_end() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    async with server(once(chunked)) as url:
        report = await load(url, one_shot=1)
    assert report.failed == 0 < report.requests


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "closed"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "truncated"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "truncated"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "truncated"),
        (b"HTTP/1.1 200 OK\r\n\r\nok", "malformed"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "malformed"),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno", "status 503"),
    ],
)
async def test_a_wrong_answer_is_a_failure(raw: bytes, reason: str) -> None:
    async with server(once(raw)) as url:
        report = await load(url, one_shot=1)
    assert report.reasons == {reason: report.requests}
    assert report.answers == []


async def test_a_reset_is_a_failure() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        reset(writer)

    async with server(answer) as url:
        report = await load(url, one_shot=1)
    assert report.reasons == {"reset": report.requests}


async def test_silence_is_a_failure() -> None:
    async def answer(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with server(answer) as url:
        report = await load(url, one_shot=1)
    assert report.reasons == {"timed out": report.requests}


async def test_nobody_listening_is_a_failure() -> None:
    async with server(faithful) as url:
        pass
    report = await load(url, one_shot=1)
    assert report.reasons == {"refused": report.requests}


async def test_an_idle_connection_may_be_closed() -> None:
    async with server(once(GOOD)) as url:
        report = await load(url, keep_alive=1, pause=0.05)
    assert report.failed == 0
    assert report.idle_closes


async def test_an_answer_may_ask_to_close() -> None:
    async with server(once(GOOD.replace(b"X-", b"Connection: close\r\nX-"))) as url:
        report = await load(url, keep_alive=1)
    assert (report.failed, report.idle_closes) == (0, 0)
    assert report.asked_to_close == report.requests


@pytest.mark.parametrize("end", [asyncio.StreamWriter.close, reset])
async def test_a_kept_connection_closed_as_the_request_comes_is_a_failure(
    end: Callable[[asyncio.StreamWriter], None],
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(GOOD)
        await head(reader)
        end(writer)

    async with server(answer) as url:
        report = await load(url, keep_alive=1)
    assert set(report.reasons) == {"idle_closed"}
    assert report.failed >= report.requests // 2


async def test_what_is_under_way_at_the_end_is_finished() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        await asyncio.sleep(0.5)
        writer.write(GOOD)

    async with server(answer) as url:
        report = await load(url, seconds=0.1, slow=1)
    assert (report.failed, report.versions) == (0, {"v1": 1})


@pytest.mark.parametrize(("tail", "end"), [(b"0\r\n\r\n", "ended"), (b"", "cut"), (b"zz\r\n", "malformed")])
async def test_a_stream_says_how_it_ended_and_comes_back(tail: bytes, end: str) -> None:
    start = b"HTTP/1.1 200 OK\r\nX-Version: v1\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with server(once(start + b"9\r\ndata: 1\n\n\r\n" + tail)) as url:
        report = await load(url, seconds=1.0, streams=1)
    assert report.failed == 0
    assert report.streams.opened > 1
    assert report.streams.messages in (report.streams.opened, report.streams.opened - 1)
    stopped = report.streams.closes.pop("stopped", 0)
    assert report.streams.closes == {end: report.streams.opened - stopped}
    assert stopped <= 1, "the one that was open at the end"
    assert report.streams.gap > 0


async def test_a_stream_that_cannot_be_opened_is_a_failure() -> None:
    async with server(once(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")) as url:
        report = await load(url, streams=1, websockets=1)
    assert set(report.reasons) == {"status 503"}
    assert {failure.kind for failure in report.failures} == {"stream", "websocket"}


async def test_the_process_reports_what_it_saw() -> None:
    async with server(faithful) as url:
        running = Load(url, **{**QUIET, "keep_alive": 2})
        await asyncio.to_thread(running.__enter__)
        await asyncio.sleep(0.1)
        report = await asyncio.to_thread(running.stop)
    assert report.failed == 0 < report.requests, report.summary()
    assert "0 failed of" in report.summary()


async def test_the_process_ends_with_the_one_that_started_it() -> None:
    killed = (
        "import os; from tests.load import Load; Load(os.sys.argv[1], timeout=1).__enter__(); os.kill(os.getpid(), 9)"
    )
    async with server(faithful) as url:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", killed, url, start_new_session=True)
        await process.wait()
        await asyncio.to_thread(wait_until, lambda: not generators(process.pid), 10, "the load generator to end")


def generators(group: int) -> list[int]:
    """The processes of a group; a killed parent is not known to its children any more."""
    done = subprocess.run(["pgrep", "--pgroup", str(group)], check=False, capture_output=True, text=True)
    return [int(pid) for pid in done.stdout.split()]


@pytest.mark.parametrize(("code", "end"), [(1001, "1001"), (None, "cut")])
async def test_a_websocket_echoes_and_says_how_it_ended(code: int | None, end: str) -> None:
    async def answer(request: web.Request) -> web.WebSocketResponse:
        session = web.WebSocketResponse()
        session.headers["X-Version"] = "v1"
        await session.prepare(request)
        await session.send_str((await session.receive()).data)
        if code is None:
            assert request.transport
            request.transport.close()
        else:
            await session.close(code=code)
        return session

    app = web.Application()
    app.router.add_get("/ws", answer)
    async with TestServer(app) as listening:
        report = await load(f"http://127.0.0.1:{listening.port}", websockets=1, pause=0.02)
    assert report.failed == 0
    assert report.websockets.messages > 1
    assert report.websockets.versions == {"v1": report.websockets.opened}
    assert {key: value for key, value in report.websockets.closes.items() if key != "stopped"}.keys() == {end}
    assert report.websockets.lost <= report.websockets.opened


async def test_the_load_has_started_once_a_websocket_is_open() -> None:
    async def answer(request: web.Request) -> web.WebSocketResponse:
        session = web.WebSocketResponse()
        await session.prepare(request)
        async for message in session:
            await session.send_str(message.data)
        return session

    app = web.Application()
    app.router.add_get("/ws", answer)
    async with TestServer(app) as listening:
        running = Load(f"http://127.0.0.1:{listening.port}", **{**QUIET, "websockets": 1})
        await asyncio.to_thread(running.__enter__)
        report = await asyncio.to_thread(running.stop)
    assert report.websockets.opened == 1
    assert report.websockets.closes == {"stopped": 1}
