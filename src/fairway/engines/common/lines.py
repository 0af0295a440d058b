"""What containers print, line by line, in the order of the times that Docker wrote down."""

from __future__ import annotations

import calendar
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from msgspec import Struct

from fairway.model.fleet import Replica
from fairway.net.stream import STDERR, STDOUT, Message
from fairway.ports import LogLine

STREAMS = {STDOUT: "stdout", STDERR: "stderr"}


class Stamped(Struct, frozen=True):
    """A line with Docker's own timestamp (fixed width, UTC): finer than a float, and in order as text."""

    stamp: str
    line: LogLine


async def stamped(replica: Replica, said: AsyncIterator[Message], *, tty: bool) -> AsyncGenerator[Stamped, None]:
    """Each message starts with its time; one without an end goes on in the next message of its stream."""
    begun: dict[str, tuple[str, bytes]] = {}
    async for message in _whole(said) if tty else said:
        stream = STREAMS[message.stream]
        stamp, _, text = message.data.partition(b" ")
        first, before = begun.pop(stream, (stamp.decode(errors="replace"), b""))
        if text.endswith(b"\n"):
            yield _line(replica, first, before + text, stream)
        else:
            begun[stream] = (first, before + text)
    for stream, (first, text) in begun.items():
        yield _line(replica, first, text, stream)


async def _whole(said: AsyncIterator[Message]) -> AsyncIterator[Message]:
    """With a terminal, there are only lines."""
    buffer = b""
    async for message in said:
        *whole, buffer = (buffer + message.data).split(b"\n")
        for line in whole:
            yield Message(STDOUT, line + b"\n")
    if buffer:
        yield Message(STDOUT, buffer)


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


async def merged(sources: Sequence[AsyncIterator[Stamped]]) -> AsyncIterator[Stamped]:
    """Ordered sources as one ordered whole, holding one line of each."""
    heads = {number: await anext(source, None) for number, source in enumerate(sources)}
    while waiting := {number: head for number, head in heads.items() if head}:
        first = min(waiting, key=lambda number: waiting[number].stamp)
        yield waiting[first]
        heads[first] = await anext(sources[first], None)
