"""One stream for several readers: who is slow, who takes nothing, and what that means for the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from fairway.engines.docker import lanes
from fairway.engines.docker.lanes import DEPTH, Lane, Patience, deal

pytestmark = pytest.mark.anyio
COUNT = 5 * DEPTH
PIECES = [memoryview(f"{number:04}".encode()) for number in range(COUNT)]
NEVER = Patience(behind=3600, stalled=3600)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "TICK", 0.01)


async def read(lane: Lane, got: list[bytes], after: Callable[[int], Awaitable[None]]) -> None:
    async for piece in lane.pieces():
        got.append(bytes(piece))
        await after(len(got))


async def at_once(count: int) -> None:
    pass


async def never(count: int) -> None:
    await asyncio.Event().wait()


async def pour(*all_lanes: Lane) -> None:
    for piece in PIECES:
        await deal(piece, all_lanes, all_lanes)
    await asyncio.gather(*(lane.finish() for lane in all_lanes))


async def test_all_get_all_in_order_and_none_is_far_ahead() -> None:
    fast, slow, got, late = Lane(NEVER), Lane(NEVER), [], []

    async def slowly(count: int) -> None:
        assert len(got) - count <= DEPTH + 2
        await asyncio.sleep(0.001)

    await asyncio.gather(
        pour(fast, slow), fast.reading(read(fast, got, at_once)), slow.reading(read(slow, late, slowly))
    )
    assert got == late == [bytes(piece) for piece in PIECES]
    assert fast.taken == slow.taken == 4 * COUNT
    assert not (fast.behind or slow.behind or slow.stalled)


async def test_who_keeps_others_waiting_for_too_long_is_left_behind() -> None:
    patience = Patience(behind=0.05, stalled=3600)
    fast, slow, got = Lane(patience), Lane(patience), []
    await asyncio.gather(pour(fast, slow), fast.reading(read(fast, got, at_once)), slow.reading(read(slow, [], never)))
    assert len(got) == COUNT
    assert slow.behind
    assert not slow.open
    assert not fast.behind


async def test_who_is_slow_alone_keeps_nobody_waiting() -> None:
    patience = Patience(behind=0.02, stalled=3600)
    slow, equal, got, also = Lane(patience), Lane(patience), [], []

    async def slowly(count: int) -> None:
        await asyncio.sleep(0.02 if count % DEPTH == 1 else 0)

    await asyncio.gather(pour(slow), slow.reading(read(slow, got, slowly)))
    assert len(got) == COUNT

    slow, got = Lane(patience), []
    gate = asyncio.Event()

    async def gated(count: int) -> None:
        await gate.wait()

    asyncio.get_running_loop().call_later(0.2, gate.set)
    readers = slow.reading(read(slow, got, gated)), equal.reading(read(equal, also, gated))
    await asyncio.gather(pour(slow, equal), *readers)
    assert len(got) == len(also) == COUNT


async def test_who_takes_nothing_at_all_is_given_up() -> None:
    lane = Lane(Patience(behind=0.01, stalled=0.1), may_fall_behind=False)
    await asyncio.gather(pour(lane), lane.reading(read(lane, [], never)))
    assert lane.stalled
    assert not lane.behind


async def test_a_reader_that_fails_stops_no_other() -> None:
    broken, well, got = Lane(NEVER), Lane(NEVER), []

    async def fail(count: int) -> None:
        raise ConnectionError

    failed, *_ = await asyncio.gather(
        broken.reading(read(broken, [], fail)),
        well.reading(read(well, got, at_once)),
        pour(broken, well),
        return_exceptions=True,
    )
    assert isinstance(failed, ConnectionError)
    assert not broken.open
    assert len(got) == COUNT


async def test_a_timeout_of_the_reader_s_own_is_its_own() -> None:
    lane = Lane(NEVER)

    async def reader() -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await lane.reading(reader())
