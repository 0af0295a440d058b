"""A Prometheus gives one number for each query, or an error that says why not: never a 0 that nobody has counted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import pytest

from fairway.model.errors import MetricsError
from fairway.observe.prometheus import Prometheus

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def answering(body: str, status: int = 200) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that says the same to everybody; its address, and the queries that came."""
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        where = urlsplit(head.split()[1])
        asked.append(f"{where.path} {parse_qs(where.query)['query'][0]}")
        start = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((start + body).encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


def vector(*values: str) -> str:
    samples = [{"metric": {"n": str(number)}, "value": [1.5, value]} for number, value in enumerate(values)]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": samples}})


async def test_each_query_gives_its_number() -> None:
    query = 'sum(a{revision="web-r2"})'
    async with answering(vector("42")) as (url, asked):
        assert await Prometheus().values(f"{url}/", [query, "b"]) == [42.0, 42.0]
    assert sorted(asked) == ["/api/v1/query b", f"/api/v1/query {query}"]
    scalar = '{"status": "success", "data": {"resultType": "scalar", "result": [1.5, "7"]}}'
    async with answering(scalar) as (url, _):
        assert await Prometheus().values(url, ["scalar(a)"]) == [7.0]


@pytest.mark.parametrize(
    ("body", "status", "what"),
    [
        (vector(), 200, "`a` gives no number, not one"),
        (vector("1", "2"), 200, "`a` gives 2 numbers, not one"),
        (vector("NaN"), 200, "`a` gives no number"),
        (vector("+Inf"), 200, "`a` gives no number"),
        (
            '{"status": "success", "data": {"resultType": "matrix", "result": [{}]}}',
            200,
            "`a` gives no number, not one",
        ),
        ('{"status": "success", "data": {"resultType": "vector", "result": [{}]}}', 200, "`a` gives no number"),
        ('{"status": "success"}', 200, "`a` gives no number, not one"),
        ('{"status": "error", "error": "parse error"}', 400, "the Prometheus at URL refuses `a`"),
        ("[]", 200, "the Prometheus at URL refuses `a`"),
        ("<html>", 502, "what answers at URL is no Prometheus: status 502"),
    ],
)
async def test_what_is_no_number_is_an_error(body: str, status: int, what: str) -> None:
    async with answering(body, status) as (url, _):
        with pytest.raises(MetricsError) as caught:
            await Prometheus().values(url, ["a"])
    assert caught.value.what.replace(url, "URL") == what


async def test_what_it_says_is_told_in_part() -> None:
    async with answering('{"status": "error", "error": "' + 10_000 * "x" + '"}', 400) as (url, _):
        with pytest.raises(MetricsError) as caught:
            await Prometheus().values(url, ["a"])
    assert len(caught.value.why) == 200


async def test_nobody_there() -> None:
    async with answering("") as (url, _):
        pass
    with pytest.raises(MetricsError) as caught:
        await Prometheus(timeout=1).values(url, ["a"])
    assert caught.value.what == f"no Prometheus answers at {url}"
