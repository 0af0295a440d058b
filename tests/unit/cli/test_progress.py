"""The live view, on a terminal and not."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from fairway.cli.progress import CLEAR, _Screen, progress
from fairway.model.errors import Worse
from fairway.model.events import Event, Judged, Note, Output, StepEnded, StepFailed, StepStarted
from fairway.model.judgement import Ruling
from fairway.model.policy import Judging
from fairway.model.release import Revision
from fairway.model.steps import Hold, Trial, Want
from tests.unit.rollout.judging import BROKEN, ERRORS, HEALTHY, Tick, judge

NEW = Revision("web", 2, "b")
TRIAL = Trial(new=NEW, old=Revision("web", 1, "a"), judging=Judging())
HOLD = Hold(0, (Want(NEW, 1),), "phase", trials=(TRIAL,), phase=1)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def looks(*ticks: Tick) -> Iterator[Event]:
    for number in range(1, len(ticks) + 1):
        yield Judged(TRIAL, judge(ERRORS, ticks[:number]), 5.0 * number)


def pictures(text: str) -> int:
    return text.count("judge of web")


def test_lines_for_a_log() -> None:
    stream = io.StringIO()
    with progress(stream) as emit:
        emit(StepStarted(HOLD))
        emit(next(looks(HEALTHY)))
        emit(Output("web-r2-1", "hello"))
        emit(Note("so it goes", "warning"))
        emit(StepEnded(HOLD, 12.34))
    title = "phase 1: watch web-r2 until the judge passes web-r2 against web-r1"
    lines = stream.getvalue().splitlines()
    assert lines[0] == f"  {title} …"
    assert lines[1] == "  judge of web: no verdict yet (50 requests to the new, 450 to the old)"
    assert lines[-3:] == ["  web-r2-1 │ hello", "! so it goes", f"✓ {title}  12.3 s"]
    assert "\033" not in stream.getvalue()


def test_a_failure_says_why() -> None:
    stream = io.StringIO()
    with progress(stream) as emit:
        emit(StepStarted(HOLD))
        for event in looks(*[BROKEN] * 6):
            emit(event)
        emit(StepFailed(HOLD, Worse("web-r2 is worse than it may be", why="errors")))
    assert "judge of web: worse: lead back" in stream.getvalue()
    assert stream.getvalue().splitlines()[-1].endswith("against web-r1: web-r2 is worse than it may be")


def test_evidence_is_shown_after_1_2_4_8_looks_and_with_another_verdict() -> None:
    stream = io.StringIO()
    screen = _Screen(stream)
    events = list(looks(*[HEALTHY] * 40))
    passed = next(i for i, e in enumerate(events, 1) if isinstance(e, Judged) and e.opinion.ruling is Ruling.PASS)
    shown = []
    for number, event in enumerate(events, 1):
        before = pictures(stream.getvalue())
        screen.show(event)
        if pictures(stream.getvalue()) > before:
            shown.append(number)
    assert shown == sorted({1, 2, 4, 8, 16, 32, passed})


def test_the_next_phase_begins_anew() -> None:
    stream = io.StringIO()
    screen = _Screen(stream)
    for _ in range(2):
        screen.show(StepStarted(HOLD))
        for event in looks(*[HEALTHY] * 3):
            screen.show(event)
        screen.show(StepEnded(HOLD, 1.0))
    assert pictures(stream.getvalue()) == 4
    assert screen.judged == {}


@pytest.mark.parametrize("columns", [80, 120])
def test_on_a_terminal_the_last_line_has_the_evidence_whatever_its_width(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = Terminal()
    screen = _Screen(stream)
    screen.show(StepStarted(HOLD))
    for event in looks(*[BROKEN] * 3):
        screen.show(event)
    screen._draw(1)
    last = stream.getvalue().rpartition(CLEAR)[2]
    assert "web: errors 20.00 % against 0.44 % ▕·█████│······▏ no verdict yet" in last
    assert len(last) < columns
    screen.show(StepEnded(HOLD, 1.0))
    screen._draw(2)
    assert "errors" not in stream.getvalue().rpartition("✓")[2]


def test_a_reader_who_has_left_stops_nothing() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with progress(Gone()) as emit:
        emit(StepStarted(HOLD))
        emit(StepEnded(HOLD, 1.0))
