"""The judge's opinion, in words."""

from __future__ import annotations

from fairway.model.judgement import Against, JudgePolicy, Measure, Reading, Ruling, State

_NAMES = {Measure.ERRORS: "errors", Measure.LATENCY: "slow answers", Measure.PROBE: "failed probes"}


def enough(policy: JudgePolicy, state: State, measure: Measure) -> bool:
    """Whether there may be a verdict on this measure: of probes, four ticks at the least are enough."""
    return measure is Measure.PROBE or state.new.requests >= policy.min_events


def reason(ruling: Ruling, policy: JudgePolicy, state: State, decisive: tuple[Reading, ...]) -> str:
    if ruling is Ruling.HOLD:
        return "no verdict yet"
    say = _worse if ruling is Ruling.ABORT else _fine
    said = "; ".join(f"{_NAMES[r.question.measure]}: {_share(r.new)}, {say(policy, r)}" for r in decisive)
    return f"{said} ({_counted(state, {r.question.measure for r in decisive})} in {state.ticks} ticks)"


def missing(policy: JudgePolicy, state: State, readings: tuple[Reading, ...]) -> tuple[str, ...]:
    """What a verdict still lacks. Nothing is lacking where there is a verdict."""
    if not readings:
        return ("something to judge by: neither a comparison nor a limit is asked for",)
    if not state.ticks:
        return (f"data: none in {state.missed} ticks" if state.missed else "the first measurement",)
    said = []
    asked = {reading.question.measure for reading in readings}
    compared = set(policy.compare)
    if (few := policy.min_events - state.new.requests) > 0 and asked - {Measure.PROBE}:
        said.append(f"{few} more {'request' if few == 1 else 'requests'} to the new revision")
    if compared - {Measure.PROBE} and not state.old.requests:
        said.append("requests to the old revision in the same seconds: without them, a limit alone can judge")
    if Measure.PROBE in asked and not state.new.probes:
        said.append("the first results of the probe")
    said += [_lacking(reading) for reading in readings if reading.new is not None and reading.against is not None]
    said += [f"times of answers for {_NAMES[Measure.LATENCY]}" for r in readings if _untimed(state, r)]
    return tuple(dict.fromkeys(said))


def _untimed(state: State, reading: Reading) -> bool:
    return reading.question.measure is Measure.LATENCY and bool(state.new.requests) and reading.new is None


def _lacking(reading: Reading) -> str:
    name = _NAMES[reading.question.measure]
    compared = reading.question.against is Against.OLD
    if compared and not reading.new and not reading.against:
        return f"{name}: none on either side, so there is nothing to compare"
    what = "the old revision" if compared else f"the limit of {_share(reading.against)}"
    worse, fine = ("worse than", "no worse than") if compared else ("over", "within")
    counted = f"E = {reading.worse:.3g} for {worse}, {reading.fine:.3g} for {fine} {what}"
    return f"{name}: {counted}, of {reading.needed:.0f} needed"


def _worse(policy: JudgePolicy, reading: Reading) -> str:
    if reading.question.against is Against.LIMIT:
        return f"over the limit of {_share(reading.against)}"
    return f"more than {policy.ratio:g} times the old revision's {_share(reading.against)}"


def _fine(policy: JudgePolicy, reading: Reading) -> str:
    if reading.question.against is Against.LIMIT:
        return f"within the limit of {_share(reading.against)}"
    return f"less than {policy.tolerance:g} times the old revision's {_share(reading.against)}"


def _share(share: float | None) -> str:
    return "none" if share is None else f"{100 * share:.3g} %"


def _counted(state: State, measures: set[Measure]) -> str:
    said = [_plural(state.new.requests, "request")] if measures - {Measure.PROBE} else []
    said += [_plural(state.new.probes, "probe")] if Measure.PROBE in measures else []
    return " and ".join(said)


def _plural(number: int, what: str) -> str:
    return f"{number:,} {what if number == 1 else f'{what}s'}"
