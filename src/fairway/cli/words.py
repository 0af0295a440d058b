"""Steps and plans in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fairway.model.fleet import Weights
from fairway.model.steps import AwaitExit, AwaitReady, Drain, Ensure, Hold, Retire, Shift, Step, Want


def describe(step: Step) -> str:
    """One line that says what a step does."""
    match step:
        case Ensure(wants):
            return f"start {_counted(wants)}"
        case AwaitReady(wants):
            return f"wait until ready: {_counted(wants)}"
        case AwaitExit(wants):
            return f"wait until ended: {_named(wants)}"
        case Shift(weights):
            return f"move traffic: {_shares(weights)}"
        case Hold(seconds, wants, why):
            return f"{why or 'hold'}: watch {_named(wants)} for {seconds:g} s"
        case Drain(wants):
            return f"drain {_shrunk(wants)}"
        case Retire(wants):
            return f"stop and remove {_shrunk(wants)}"


def _counted(wants: Iterable[Want]) -> str:
    return ", ".join(f"{want.revision} ×{want.replicas}" for want in wants)


def _named(wants: Iterable[Want]) -> str:
    return ", ".join(str(want.revision) for want in wants)


def _shrunk(wants: Iterable[Want]) -> str:
    return ", ".join(
        f"{want.revision} down to {want.replicas}" if want.replicas else str(want.revision) for want in wants
    )


def _shares(weights: Weights) -> str:
    if not weights:
        return "nothing is routed any more"
    return "; ".join(f"{service} to {_parts(parts)}" for service, parts in sorted(weights.items()))


def _parts(shares: Mapping[str, int]) -> str:
    total = sum(shares.values())
    if not total:
        return "nobody"
    return ", ".join(f"{name} {100 * part / total:.0f} %" for name, part in shares.items() if part)
