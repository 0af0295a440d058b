"""This terminal, connected to a process in a container."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
import tty
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

from fairway.net.stream import STDERR, Stream

CHUNK = 1 << 16
PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between the attempts to tell a new process the terminal's size."""
Resize = Callable[[int, int], Awaitable[None]]
"""Told the terminal's height and width."""


async def connect(stream: Stream, *, stdin: bool, terminal: bool, resize: Resize) -> None:
    """Carry bytes both ways until the process's output ends. `terminal`: keys go through as they are typed."""
    with _raw(stdin and terminal), _resized(terminal, resize):
        typed = asyncio.create_task(_send(stream)) if stdin else None
        try:
            while (message := await stream.read()) is not None:
                out = sys.stderr.buffer if message.stream == STDERR else sys.stdout.buffer
                out.write(message.data)
                out.flush()
        finally:
            if typed:
                typed.cancel()
                with suppress(asyncio.CancelledError, OSError):
                    await typed


async def _send(stream: Stream) -> None:
    async for chunk in _input(sys.stdin.fileno()):
        await stream.write(chunk)
    stream.end()


async def _input(fd: int) -> AsyncIterator[bytes]:
    """What is typed, or piped in, until its end; cancellable, so a thread blocked in read() will not do."""
    while True:
        await _readable(fd)
        if not (chunk := os.read(fd, CHUNK)):
            return
        yield chunk


async def _readable(fd: int) -> None:
    """Until one read() will not block."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(fd, ready.set)
    except PermissionError:  # a regular file: always ready
        return
    try:
        await ready.wait()
    finally:
        loop.remove_reader(fd)


@contextmanager
def _raw(wanted: bool) -> Iterator[None]:
    if not wanted or not sys.stdin.isatty():
        yield
        return
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    tty.setraw(fd)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


@contextmanager
def _resized(wanted: bool, resize: Resize) -> Iterator[None]:
    """Tell the size now, and whenever the window changes."""
    if not wanted or not sys.stdout.isatty():
        yield
        return
    loop = asyncio.get_running_loop()
    telling: set[asyncio.Future[None]] = set()

    def tell() -> None:
        for earlier in telling:  # it would tell an old size, and perhaps last
            earlier.cancel()
        size = os.get_terminal_size(sys.stdout.fileno())  # what COLUMNS and LINES say is for line-wrapping
        job = asyncio.ensure_future(_patiently(resize, size.lines, size.columns))
        telling.add(job)
        job.add_done_callback(telling.discard)

    tell()
    loop.add_signal_handler(signal.SIGWINCH, tell)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)
        for job in telling:
            job.cancel()


async def _patiently(resize: Resize, height: int, width: int) -> None:
    """The engine knows of a terminal only some moments after it has said that the process was started."""
    for pause in PAUSES:
        try:
            await resize(height, width)
        except Exception:  # the process may have ended meanwhile, too
            await asyncio.sleep(pause)
        else:
            return
