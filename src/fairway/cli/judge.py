"""The judge's evidence as a picture: how far each question has come towards a verdict, either way."""

from __future__ import annotations

from math import log
from textwrap import wrap

from fairway.model.judgement import Against, Measure, Opinion, Reading, Ruling

HALF = 12
"""The width of each half of a bar."""
WIDTH = 96
NAMES = {Measure.ERRORS: "errors", Measure.LATENCY: "slow", Measure.PROBE: "probe"}
RULINGS = {Ruling.ABORT: "worse: lead back", Ruling.PASS: "fine: go on", Ruling.HOLD: "no verdict yet"}


def picture(service: str, opinion: Opinion) -> list[str]:
    """A line for the verdict, one for each question, and what is missing.

    Bars grow from the middle, to the left with what says worse, to the right with what says fine. An end that is reached is
    a verdict; a bar is as long as the logarithm of its E-value.
    """
    counted = f"{opinion.new.requests:,} requests to the new, {opinion.old.requests:,} to the old"
    lines = [f"judge of {service}: {RULINGS[opinion.ruling]} ({counted})"]
    if any(reading.question.measure is Measure.PROBE for reading in opinion.readings):
        lines.append(f"  probes: {opinion.new.probes:,} of the new, {opinion.old.probes:,} of the old")
    if opinion.readings:
        lines.append(f"  {'':<6} {'new':>8}   {'against':<14}    {'worse':<{HALF}} {'fine':>{HALF}}    E-value")
    lines += [f"  {_row(reading)}" for reading in opinion.readings]
    lacking = [f"missing: {what}" for what in opinion.missing if ": E = " not in what]  # that is what the bars say
    told = lacking if opinion.ruling is Ruling.HOLD else [opinion.why]
    wrapped = (wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ") for text in told)
    return [*lines, *(line for part in wrapped for line in part)]


def short(service: str, opinion: Opinion) -> str:
    """Half a line of it: the question that gives most cause for concern, else the one that keeps a pass waiting."""
    first = max(opinion.readings, key=lambda r: (_way(r.worse, r), -_way(r.fine, r)), default=None)
    if first is None:
        return f"{service}: {RULINGS[opinion.ruling]}"
    shares = f"{_share(first.new)} against {_share(first.against)}"
    return f"{service}: {NAMES[first.question.measure]} {shares} {_bar(first, HALF // 2)} {RULINGS[opinion.ruling]}"


def _row(reading: Reading) -> str:
    against = f"{_share(reading.against):>8} {'old' if reading.question.against is Against.OLD else 'limit'}"
    shares = f"{NAMES[reading.question.measure]:<6} {_share(reading.new):>8}   {against:<14}"
    return f"{shares}   {_bar(reading, HALF)}  {_said(reading)}"


def _said(reading: Reading) -> str:
    """The larger of the two E-values; at 1, nothing has been said."""
    value, what = max((reading.worse, "worse"), (reading.fine, "fine"))
    return f"{value:.3g} of {reading.needed:.4g}, {what}" if value > 1 else "nothing yet"


def _bar(reading: Reading, half: int) -> str:
    worse, fine = int(_way(reading.worse, reading) * half), int(_way(reading.fine, reading) * half)
    return f"▕{'·' * (half - worse)}{'█' * worse}│{'█' * fine}{'·' * (half - fine)}▏"


def _way(evidence: float, reading: Reading) -> float:
    """How far it has come, from 0 to 1."""
    return min(1.0, max(0.0, log(max(evidence, 1.0)) / log(reading.needed))) if reading.needed > 1 else 1.0


def _share(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f} %"
