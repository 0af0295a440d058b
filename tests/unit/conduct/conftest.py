from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from fairway.conduct import drain, ready
from tests.unit.conduct.ports import House


@pytest.fixture(autouse=True)
def no_needless_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "SETTLE", 0.0)
    monkeypatch.setattr(ready, "TICK", 0.01)
    monkeypatch.setattr(ready, "PROBE_EVERY", 0.001)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """Whatever a test does, nothing may be left running, and no watch open."""
    made = House()
    yield made
    left = [
        task for task in asyncio.all_tasks() if not repr(task.get_coro()).startswith("<coroutine object TestRunner")
    ]
    assert not left
    assert made.engine.watching == 0
