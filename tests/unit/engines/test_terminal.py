from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from fairway.engines.docker import terminal

pytestmark = pytest.mark.anyio


async def test_a_window_that_has_changed_is_not_told_its_old_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first attempt fails, and the window changes before the next one."""
    sizes = iter([os.terminal_size((80, 24)), os.terminal_size((100, 30))])
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdout, "fileno", lambda: 1)
    monkeypatch.setattr(terminal.os, "get_terminal_size", lambda _: next(sizes))
    told: list[tuple[int, int]] = []

    async def resize(height: int, width: int) -> None:
        if not told:
            told.append((height, width))
            raise OSError("the process is not there yet")
        told.append((height, width))

    with terminal._resized(True, resize):
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGWINCH)
        await asyncio.sleep(0.1)
    assert told == [(24, 80), (30, 100)]
