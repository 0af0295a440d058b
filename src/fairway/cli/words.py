"""Steps and plans in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from fairway.model.fleet import Weights
from fairway.model.policy import Match
from fairway.model.routes import Steering
from fairway.model.steps import AwaitExit, AwaitReady, Drain, Ensure, Hold, Retire, RunOnce, Shift, Step, Trial, Want


def describe(step: Step) -> str:
    """One line that says what a step does."""
    match step:
        case Ensure(wants):
            return f"start {_counted(wants)}"
        case AwaitReady(wants):
            return f"wait until ready: {_counted(wants)}"
        case AwaitExit(wants):
            return f"wait until ended: {_named(wants)}"
        case Shift(weights, steering):
            steered = [words for service in sorted(steering) for words in _steered(steering[service])]
            return f"move traffic: {'; '.join([_shares(weights), *steered])}"
        case Hold():
            return _hold(step)
        case RunOnce(name=name, job=job):
            return f"run {name}: {' '.join(job.command)}"
        case Drain(wants):
            return f"drain {_shrunk(wants)}"
        case Retire(wants):
            return f"stop and remove {_shrunk(wants)}"


def duration(seconds: float) -> str:
    """As one writes it in fairway.yaml: 1h30m, 45s, 0.5s."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (left, "s"))
    return "".join(f"{part:g}{unit}" for part, unit in parts if part) or "0s"


def _hold(step: Hold) -> str:
    until = [f"for {duration(step.seconds)}"] if step.seconds else []
    until += ["until somebody approves"] if step.approve else []
    until += [f"until the judge passes {_trial(trial)}" for trial in step.trials]
    name = f"phase {step.phase}" if step.phase else step.why or "hold"
    return " ".join((f"{name}: watch {_named(step.watch)}", ", and ".join(until))).rstrip()


def _trial(trial: Trial) -> str:
    return f"{trial.new} {f'against {trial.old}' if trial.judging.policy.compare else 'by its limits'}"


def _steered(steering: Steering) -> Iterator[str]:
    to = steering.revision
    if steering.match:
        yield f"requests with {' or '.join(map(_match, steering.match))} to {to}"
    if steering.sticky:
        yield "each user keeps to one revision"
    if steering.mirror:
        yield f"copies of {steering.mirror.percent:g} % ({', '.join(steering.mirror.methods)}) to {to}"
    if steering.preview:
        yield f"http://{steering.preview} to {to}"


def _match(match: Match) -> str:
    name = f"header {match.header}" if match.header else f"cookie {match.cookie}"
    return name if match.value is None else f"{name}={match.value}"


def _counted(wants: Iterable[Want]) -> str:
    return ", ".join(f"{want.revision} ×{want.replicas}{_spared(want)}" for want in wants)


def _spared(want: Want) -> str:
    return f" ({want.spare} may fail)" if want.spare else ""


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
    return ", ".join(f"{name} {100 * part / total:.3g} %" for name, part in shares.items() if part)
