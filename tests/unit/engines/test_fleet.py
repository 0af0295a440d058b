"""The pure parts of a fleet: who is to leave, what counts of two files, and lines in the order of their times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from fairway.engines.common.ledger_codec import Noted, encode, newer
from fairway.engines.docker.engine import indexes
from fairway.engines.docker.fleet.console import in_order
from fairway.engines.docker.fleet.engine import by_host, with_leaving
from fairway.model.fleet import Replica, State
from fairway.model.release import Progress, Revision
from fairway.ports import LogLine

WEB = Revision("web", 1, "sha256:1")


def replica(index: int, host: str, *, created: float = 0.0, rooted: bool = False) -> Replica:
    return Replica(
        id=f"{host}-{index}",
        name=f"web-{index}",
        revision=WEB,
        index=index,
        host=host,
        state=State.RUNNING,
        created=created,
        rooted=rooted,
    )


def leaving(*replicas: Replica, drained: frozenset[str] = frozenset()) -> set[str]:
    return {one.id for one in with_leaving(replicas, drained) if one.leaving}


def test_who_was_away_while_another_took_its_place_leaves() -> None:
    assert leaving(replica(1, "a", created=1), replica(1, "b", created=2), replica(2, "a")) == {"a-1"}


def test_drained_hosts_are_left_by_all_but_those_with_data() -> None:
    there = (replica(1, "a"), replica(2, "b"), replica(3, "b", rooted=True))
    assert leaving(*there, drained=frozenset({"b"})) == {"b-2"}
    # The one that has taken its place has the same number.
    assert leaving(*there, replica(2, "a", created=5), drained=frozenset({"b"})) == {"b-2"}


def test_indexes_are_the_lowest_free_ones_beside_those_that_stay() -> None:
    assert indexes([], 2) == [1, 2]
    assert indexes([2, 4], 3) == [1, 2, 4]
    assert indexes([2, 4], 1) == [2, 4]
    assert by_host([("a", 1), ("b", 2), ("a", 3)]) == {"a": [1, 3], "b": [2]}


def test_of_two_files_the_whole_and_the_later_one_counts() -> None:
    early, late = (encode(Noted(sequence=number, progress=Progress(phase=number))) for number in (9, 10))
    assert newer("1.progress.0.json", early, late) == newer("1.progress.0.json", late, early) == late
    assert newer("1.release.json", b'{"a":', b'{"a":1}') == b'{"a":1}'
    assert newer("1.release.json", b'{"a":1}', b'{"b":1}') == b'{"a":1}'


async def said(host: str, *lines: tuple[float, float]) -> AsyncIterator[LogLine]:
    """(When it comes after the one before, the time that it bears.)"""
    for pause, at in lines:
        await asyncio.sleep(pause)
        yield LogLine(replica(1, host), at, f"{host} {at}")


@pytest.mark.anyio
async def test_lines_of_several_hosts_come_in_the_order_of_their_times() -> None:
    one, two = said("a", (0, 1), (0, 4), (0, 5)), said("b", (0, 2), (0.05, 3), (0, 6))
    assert [line.at async for line in in_order([one, two], None)] == [1, 2, 3, 4, 5, 6]


@pytest.mark.anyio
async def test_nobody_waits_for_ever_for_a_silent_host() -> None:
    chatty, silent = said("a", *[(0, float(number)) for number in range(50)]), said("b", (30, 99.0))
    found = []
    async with asyncio.timeout(20):
        async for line in in_order([chatty, silent], 0.05):
            found.append(line.at)
            if len(found) == 50:
                break
    assert found == [float(number) for number in range(50)]
