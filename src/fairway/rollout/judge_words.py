"""The judge's opinion, in words."""

from __future__ import annotations

from fairway.model.judgement import Against, JudgePolicy, Measure, Reading, Ruling, State

_NAMES = {Measure.ERRORS: "errors", Measure.LATENCY: "slow answers"}


def reason(ruling: Ruling, policy: JudgePolicy, state: State, decisive: tuple[Reading, ...]) -> str:
    if ruling is Ruling.HOLD:
        return "no verdict yet"
    say = _worse if ruling is Ruling.ABORT else _fine
    said = "; ".join(f"{_NAMES[r.question.measure]}: {_share(r.new)}, {say(policy, r)}" for r in decisive)
    return f"{said} ({_requests(state.new.requests)} in {state.ticks} ticks)"


def missing(policy: JudgePolicy, state: State, readings: tuple[Reading, ...]) -> tuple[str, ...]:
    """What a verdict still lacks. Nothing is lacking where there is a verdict."""
    if not readings:
        return ("something to judge by: neither a comparison nor a limit is asked for",)
    if not state.ticks:
        return (f"data: none in {state.missed} ticks" if state.missed else "the first measurement",)
    said = []
    if (few := policy.min_events - state.new.requests) > 0:
        said.append(f"{few} more {'request' if few == 1 else 'requests'} to the new revision")
    if policy.compare and not state.old.requests:
        said.append("requests to the old revision in the same seconds: without them, a limit alone can judge")
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


def _requests(number: int) -> str:
    return f"{number:,} {'request' if number == 1 else 'requests'}"
