"""How far a release has come: what is noted, and when."""

from __future__ import annotations

import asyncio
import time

import pytest

from fairway.conduct.journal import Journal
from fairway.model.errors import EngineError
from fairway.model.judgement import Counts, Opinion, Ruling
from fairway.model.release import Progress
from fairway.model.steps import Hold

pytestmark = pytest.mark.anyio

OPINION = Opinion(Ruling.HOLD, "", (), (), Counts(1, 0), Counts(2, 0))


def kept(progress: Progress = Progress()) -> tuple[Journal, list[Progress]]:  # noqa: B008
    notes: list[Progress] = []

    async def write(noted: Progress) -> None:
        await asyncio.sleep(0)
        notes.append(noted)

    return Journal(progress, write), notes


async def test_a_phase_is_noted_with_its_time_and_without_the_evidence_of_another() -> None:
    journal, notes = kept(Progress(phase=1, since=7.0, done=("before-web-r2",), evidence={"web": OPINION}))
    before = time.time()
    await journal.enter(Hold(0, (), phase=2))
    (noted,) = notes
    assert (noted.phase, noted.done, noted.evidence) == (2, ("before-web-r2",), {})
    assert before <= noted.since <= time.time()


async def test_a_phase_that_was_entered_by_somebody_else_keeps_its_time() -> None:
    journal, notes = kept(Progress(phase=2, since=7.0))
    await journal.enter(Hold(0, (), phase=2))
    assert notes == []
    assert journal.progress.since == 7.0


async def test_what_is_no_phase_is_not_noted() -> None:
    journal, notes = kept(Progress(phase=2, since=7.0))
    await journal.enter(Hold(30, (), "monitor"))
    assert notes == []


async def test_a_job_is_noted_once_it_has_been_run() -> None:
    journal, notes = kept(Progress(done=("before-api-r2",)))
    await journal.ran("before-web-r2")
    assert notes[-1].done == ("before-api-r2", "before-web-r2")
    assert journal.done == {"before-api-r2", "before-web-r2"}


async def test_that_a_job_has_been_run_must_be_written_down() -> None:
    async def write(progress: Progress) -> None:
        raise EngineError("no space left on device")

    with pytest.raises(EngineError):
        await Journal(Progress(), write).ran("before-web-r2")


async def test_notes_are_written_one_after_the_other_and_the_last_one_has_everything() -> None:
    notes: list[Progress] = []
    writing = 0

    async def write(progress: Progress) -> None:
        nonlocal writing
        writing += 1
        assert writing == 1
        for _ in range(5 - len(notes)):  # the first takes the longest
            await asyncio.sleep(0)
        notes.append(progress)
        writing -= 1

    journal = Journal(Progress(), write)
    await asyncio.gather(*(journal.judged(name, OPINION) for name in ("a", "b", "c")))
    assert set(notes[-1].evidence) == {"a", "b", "c"}


async def test_a_phase_begins_at_the_environments_own_time() -> None:
    noted: list[Progress] = []

    async def write(progress: Progress) -> None:
        noted.append(progress)

    await Journal(Progress(), write, clock=lambda: 1234.5).enter(Hold(5.0, (), phase=2))
    assert [(progress.phase, progress.since) for progress in noted] == [(2, 1234.5)]
