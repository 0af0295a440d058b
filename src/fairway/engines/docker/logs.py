"""What containers print, line by line, in the order of the times that Docker wrote down."""

from __future__ import annotations

import calendar
import struct
import time
from collections.abc import AsyncIterator

import aiodocker
import aiohttp
from aiodocker.exceptions import DockerError
from msgspec import Struct

from fairway.engines.docker.observed import GONE, Json, inspect
from fairway.model.fleet import Replica
from fairway.ports import LogLine

HEADER = struct.Struct(">BxxxL")
STREAMS = {1: "stdout", 2: "stderr"}
UNREADABLE = 501


class Stamped(Struct, frozen=True):
    """A line with Docker's own timestamp (fixed width, UTC): finer than a float, and in order as text."""

    stamp: str
    line: LogLine


async def lines(
    docker: aiodocker.Docker,
    replica: Replica,
    *,
    follow: bool = False,
    since: str | None = None,
    tail: int | None = None,
) -> AsyncIterator[Stamped]:
    """`since` is seconds since the epoch, as decimal text. Nothing where the container is gone."""
    shown = await inspect(docker, replica.id)
    if shown is None:
        return
    params: dict[str, bool | int | str] = {"stdout": True, "stderr": True, "timestamps": True, "follow": follow}
    params |= {"since": since} if since else {}
    params |= {"tail": tail} if tail is not None else {}
    endless = aiohttp.ClientTimeout(total=None)
    try:
        async with docker._query(f"containers/{replica.id}/logs", params=params, timeout=endless) as answer:
            try:
                pieces = _raw(answer) if shown["Config"]["Tty"] else _frames(answer)
                async for item in _lines(replica, pieces):
                    yield item
            finally:
                answer.close()
    except DockerError as error:
        if _unreadable(error):
            yield Stamped("", LogLine(replica, 0.0, _nothing(shown), "stderr"))
        elif error.status not in GONE:
            raise


async def last_lines(docker: aiodocker.Docker, container: str, count: int) -> str:
    """What it printed last, whether it runs or not; nothing where it is gone."""
    shown = await inspect(docker, container)
    if shown is None:
        return ""
    try:
        pieces = await docker.containers.container(container).log(stdout=True, stderr=True, tail=count)
    except DockerError as error:
        if _unreadable(error):
            return _nothing(shown)
        if error.status in GONE:
            return ""
        raise
    return "\n".join("".join(pieces).splitlines()[-count:])


def _unreadable(error: DockerError) -> bool:
    return error.status == UNREADABLE or "does not support reading" in error.message


def _nothing(container: Json) -> str:
    return f"(the logging driver {container['HostConfig']['LogConfig']['Type']} keeps nothing to read)"


async def _frames(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, bytes]]:
    """(stream, one message): without a terminal, Docker frames each."""
    buffer = bytearray()
    async for chunk in answer.content.iter_any():
        buffer += chunk
        while len(buffer) >= HEADER.size:
            number, length = HEADER.unpack_from(buffer)
            end = HEADER.size + length
            if len(buffer) < end:
                break
            yield STREAMS.get(number, "stdout"), bytes(buffer[HEADER.size : end])
            del buffer[:end]


async def _raw(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, bytes]]:
    """With a terminal, there are only lines."""
    buffer = b""
    async for chunk in answer.content.iter_any():
        *whole, buffer = (buffer + chunk).split(b"\n")
        for line in whole:
            yield "stdout", line + b"\n"
    if buffer:
        yield "stdout", buffer


async def _lines(replica: Replica, pieces: AsyncIterator[tuple[str, bytes]]) -> AsyncIterator[Stamped]:
    """Each piece starts with its time; one without an end goes on in the next piece of its stream."""
    begun: dict[str, tuple[str, bytes]] = {}
    async for stream, piece in pieces:
        stamp, _, text = piece.partition(b" ")
        first, before = begun.pop(stream, (stamp.decode(errors="replace"), b""))
        if text.endswith(b"\n"):
            yield _line(replica, first, before + text, stream)
        else:
            begun[stream] = (first, before + text)
    for stream, (first, text) in begun.items():
        yield _line(replica, first, text, stream)


def _line(replica: Replica, stamp: str, text: bytes, stream: str) -> Stamped:
    seconds = float(after(stamp, 0))
    return Stamped(stamp, LogLine(replica, seconds, text.decode(errors="replace").rstrip("\r\n"), stream))


def after(stamp: str, nanoseconds: int = 1) -> str:
    """The moment just after a timestamp, in seconds since the epoch: where the next reading starts."""
    whole, _, fraction = stamp.removesuffix("Z").partition(".")
    try:
        seconds = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return "0"
    total = seconds * 10**9 + int(fraction[:9].ljust(9, "0") or 0) + nanoseconds
    return f"{total // 10**9}.{total % 10**9:09d}"
