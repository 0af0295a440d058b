"""The judge's evidence as a picture: how far each question has come towards a verdict, either way."""

from __future__ import annotations

from math import log

from fairway.model.judgement import Against, Measure, Opinion, Reading, Ruling

WIDTH = 20
NAMES = {Measure.ERRORS: "errors", Measure.LATENCY: "slow"}
RULINGS = {Ruling.ABORT: "worse: lead back", Ruling.PASS: "fine: go on", Ruling.HOLD: "no verdict yet"}


def picture(service: str, opinion: Opinion) -> list[str]:
    """A line for the verdict, and one for each question; bars are logarithms of E-values, full at a verdict."""
    counted = f"{opinion.new.requests:,} requests to the new, {opinion.old.requests:,} to the old"
    lines = [f"judge of {service}: {RULINGS[opinion.ruling]} ({counted})"]
    lines += [f"  {_question(reading)}" for reading in opinion.readings]
    if opinion.ruling is Ruling.HOLD:
        lines += [f"  still missing: {what}" for what in opinion.missing]
    else:
        lines.append(f"  {opinion.why}")
    return lines


def short(service: str, opinion: Opinion) -> str:
    """One line of it: the question that has come farthest."""
    first = max(opinion.readings, key=lambda reading: max(reading.worse, reading.fine), default=None)
    told = f", {_question(first)}" if first else ""
    return f"{service}: {RULINGS[opinion.ruling]}{told}"


def _question(reading: Reading) -> str:
    against = "old" if reading.question.against is Against.OLD else "limit"
    shares = f"{_share(reading.new)} new, {_share(reading.against)} {against}"
    worse, fine = _bar(reading.worse, reading.needed), _bar(reading.fine, reading.needed)
    return f"{NAMES[reading.question.measure]:<6} {shares:<24} worse {worse}  fine {fine}"


def _bar(evidence: float, needed: float) -> str:
    full = min(1.0, max(0.0, log(max(evidence, 1.0)) / log(needed))) if needed > 1 else 1.0
    done = int(full * WIDTH)
    return f"▕{'█' * done}{'·' * (WIDTH - done)}▏{100 * full:3.0f} %"


def _share(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f} %"
