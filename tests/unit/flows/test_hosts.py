from __future__ import annotations

import asyncio

import pytest

from fairway.flows.hosts import Known, Report, hosts
from fairway.model.errors import EngineUnreachable
from fairway.model.host_facts import HostFacts

pytestmark = pytest.mark.anyio


class Reader:
    def __init__(self, answer: HostFacts | Exception | None) -> None:
        self.answer = answer

    async def facts(self) -> HostFacts:
        """None never answers."""
        if self.answer is None:
            await asyncio.Event().wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        assert self.answer
        return self.answer


async def look(*answers: HostFacts | Exception | None, patience: float = 0.05) -> tuple[Report, ...]:
    known = [
        Known(name=f"h{index}", address=f"tcp://h{index}:2376", reader=Reader(answer))
        for index, answer in enumerate(answers)
    ]
    return await hosts(known, patience)


async def test_one_that_never_answers_hides_no_other() -> None:
    slow, good = await look(None, HostFacts(id="a"))
    assert good.facts
    assert good.findings == ()
    assert slow.facts is None
    (finding,) = slow.findings
    assert finding.key == "unreachable"
    assert finding.what == "The engine at tcp://h0:2376 has not told within 0.05 s what it is"
    assert finding.hint.endswith("--timeout 0.1s")


async def test_one_that_cannot_be_reached_says_why_and_what_to_do() -> None:
    (report,) = await look(EngineUnreachable("No Docker engine answers", why="refused", hint="start it"))
    assert [(f.what, f.why, f.hint) for f in report.problems] == [("No Docker engine answers", "refused", "start it")]


class Together:
    """Answers when all have been asked."""

    def __init__(self, all_asked: asyncio.Barrier) -> None:
        self.all_asked = all_asked

    async def facts(self) -> HostFacts:
        await self.all_asked.wait()
        return HostFacts()


async def test_all_are_asked_side_by_side() -> None:
    barrier = asyncio.Barrier(50)
    known = [Known(name=f"h{index}", address="", reader=Together(barrier)) for index in range(50)]
    assert all(report.facts for report in await hosts(known, 30))


async def test_the_same_engine_twice_is_a_problem_of_both() -> None:
    reports = await look(HostFacts(id="a"), HostFacts(id="b"), HostFacts(id="a", live_restore=False))
    assert [[finding.key for finding in report.findings] for report in reports] == [
        ["same-engine"],
        [],
        ["same-engine", "live-restore"],
    ]


async def test_the_order_is_that_of_the_file() -> None:
    assert [report.name for report in await look(None, HostFacts(), None, HostFacts())] == ["h0", "h1", "h2", "h3"]
