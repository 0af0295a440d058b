"""Events as lines on standard error: what is being done, what became of it, and how long it took."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from fairway.cli.judge import picture, short
from fairway.cli.words import describe
from fairway.model.events import (
    Emit,
    Event,
    Judged,
    Note,
    Output,
    StepEnded,
    StepFailed,
    StepStarted,
    TaskEnded,
    TaskStarted,
)
from fairway.model.judgement import Ruling

MARKS = {"ok": "✓", "failed": "✗", "warning": "!", "info": "·"}
COLOURS = {"ok": "32", "failed": "31", "warning": "33", "info": "36", "dim": "2"}
CLEAR = "\r\033[K"
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


@contextmanager
def progress(stream: TextIO = sys.stderr) -> Iterator[Emit]:
    """Renders events; on a terminal the last line shows what is under way and for how long."""
    screen = _Screen(stream)
    ticker = threading.Thread(target=screen.tick, daemon=True)
    if screen.live:
        ticker.start()
    try:
        yield screen.show
    finally:
        screen.close()


class _Screen:
    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.live = stream.isatty()
        self.running: dict[str, tuple[str, float]] = {}
        self.latest = ""
        """What is being printed by what is under way: on a terminal it is shown in passing."""
        self.looks: dict[str, tuple[int, Ruling]] = {}
        """How often the judge of each service has looked since the hold began, and what it said last."""
        self.judged: dict[str, str] = {}
        """The same in words: on a terminal they stand before what is under way."""
        self.lock = threading.Lock()
        self.closed = threading.Event()

    def show(self, event: Event) -> None:
        match event:
            case StepStarted(step):
                self._begin(describe(step), describe(step))
            case StepEnded(step, seconds):
                self._end(describe(step), "ok", seconds)
            case StepFailed(step, error):
                self._end(describe(step), "failed", None, error.what)
            case TaskStarted(key, title):
                self._begin(key, title)
            case TaskEnded(key, ok, seconds, detail):
                self._end(key, "ok" if ok else "failed", seconds, detail)
            case Output(key, line):
                if self.live and key in self.running:
                    self.latest = line
                else:
                    self._line(self._paint("dim", f"  {key} │ {line}"))
            case Note(text, level):
                self._line(f"{self._mark(level)} {text}")
            case Judged():
                self._judged(event)

    def _judged(self, event: Judged) -> None:
        """On a terminal in passing; the whole picture when the verdict is another, and after 1, 2, 4, 8 … looks."""
        service, opinion = event.trial.new.service, event.opinion
        looks, before = self.looks.get(service, (0, Ruling.HOLD))
        looks += 1
        self.looks[service] = looks, opinion.ruling
        self.judged[service] = short(service, opinion)
        if opinion.ruling is not before or looks & (looks - 1) == 0:
            for line in picture(service, opinion):
                self._line(self._paint("dim", f"  {line}"))

    def tick(self) -> None:
        frame = 0
        while not self.closed.wait(0.1):
            frame += 1
            with self.lock:
                self._draw(frame)

    def close(self) -> None:
        self.closed.set()
        with self.lock:
            if self.live:
                self._write(CLEAR)

    def _begin(self, key: str, title: str) -> None:
        self.running[key] = (title, time.monotonic())
        if not self.live:
            self._line(f"  {title} …")

    def _end(self, key: str, mark: str, seconds: float | None, detail: str = "") -> None:
        title, _ = self.running.pop(key, (key, 0.0))
        self.latest = ""
        self.looks.clear()
        self.judged.clear()
        took = "" if seconds is None else self._paint("dim", f"  {seconds:.1f} s")
        self._line(f"{self._mark(mark)} {title}{f': {detail}' if detail else ''}{took}")

    def _line(self, text: str) -> None:
        with self.lock:
            self._write(f"{CLEAR if self.live else ''}{text}\n")

    def _draw(self, frame: int) -> None:
        if not self.running:
            return
        now = time.monotonic()
        parts = [f"{title} {now - since:.0f} s" for title, since in list(self.running.values())[:3]]
        more = f" and {len(self.running) - 3} more" if len(self.running) > 3 else ""
        told = "".join(f"{said} · " for said in list(self.judged.values()))
        text = f"{SPINNER[frame % len(SPINNER)]} {told}{' · '.join(parts)}{more}  {self.latest}"
        width = shutil.get_terminal_size().columns - 1
        self._write(f"{CLEAR}{text[:width]}")

    def _write(self, text: str) -> None:
        """A reader who has gone away (`fairway ship 2>&1 | head`) stops no deployment half-way."""
        with suppress(BrokenPipeError):
            self.stream.write(text)
            self.stream.flush()

    def _mark(self, kind: str) -> str:
        return self._paint(kind, MARKS.get(kind, "·"))

    def _paint(self, kind: str, text: str) -> str:
        return f"\033[{COLOURS.get(kind, '0')}m{text}\033[0m" if self.live else text
