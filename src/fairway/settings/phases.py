"""`rollout.steps` → the phases that a new revision goes through; a strategy without steps stands for ready-made ones."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.app import Service
from fairway.model.policy import Job, Match, Mirror, Phase
from fairway.settings.rollout_model import JobSettings, MatchSettings, RolloutSettings, StepSettings
from fairway.settings.said import Said
from fairway.settings.types import STEPPED

CANARY = (5, 25, 50)
"""Percent of the requests, or of the replicas where a service has no route."""
WATCHED = 60.0
"""Seconds in each of those, where no judge decides."""
SHADOWED = 300.0

_STATE = ("traffic", "users", "match", "mirror", "scale")
_ROUTED = ("traffic", "users", "match", "mirror", "methods")


def phases(said: Said, service: Service, chosen: RolloutSettings, strategy: str) -> tuple[Phase, ...]:
    """The phases of `service`; what cannot be is added to the problems. None where it has no replicas to lead."""
    if strategy not in STEPPED:
        return ()
    routed = said.of(service.name).route is not None
    replicas = max(service.deploy.replicas, 1)
    if not routed and strategy != "canary":
        what = f"{strategy} needs a route: it is about which requests go to the new version"
        hint = "add `route: {port: 8000}`; `strategy: canary` leads a service without one by share of replicas"
        said.wrong(what, service.name, "rollout", "strategy", hint=hint)
    if other := _awaited_by(said, service):
        what = f"{strategy} leads what goes on running, and {other} waits until this has ended"
        said.wrong(what, service.name, "rollout", "strategy", hint="drop `strategy`: it starts, ends, and others go on")
    if chosen.steps is None:
        found = _ready_made(said, service, strategy, routed, judged=chosen.judge is not None)
    else:
        _check(said, service, chosen.steps, strategy, routed)
        found = tuple(_phase(step, replicas) for step in chosen.steps)
    whole = Phase(traffic=100.0 if routed else 0.0, scale=replicas)
    if found and chosen.steps and found[-1] in (whole, Phase(traffic=100.0, sticky=True, scale=replicas)):
        found = found[:-1]  # it comes in any case
    return found if service.deploy.replicas else ()


def job(said: JobSettings | None) -> Job | None:
    if said is None:
        return None
    return Job(command=said.command) if said.timeout is None else Job(command=said.command, timeout=said.timeout)


def _awaited_by(said: Said, service: Service) -> str:
    """The service that starts once this one has done its work, and where it says so; empty where there is none."""
    for other in said.app.services.values():
        dependency = other.depends_on.get(service.name)
        if dependency and dependency.condition == "service_completed_successfully":
            return f"{other.name} ({said.app.where('services', other.name, 'depends_on', service.name)})"
    return ""


def _ready_made(said: Said, service: Service, strategy: str, routed: bool, *, judged: bool) -> tuple[Phase, ...]:
    replicas = max(service.deploy.replicas, 1)
    hold = 0.0 if judged else WATCHED
    match strategy:
        case "canary" if routed:
            return tuple(Phase(traffic=share, scale=_carriers(replicas, share), hold=hold) for share in CANARY)
        case "canary":
            scales = dict.fromkeys(_carriers(replicas, share) for share in CANARY)
            return tuple(Phase(scale=scale, hold=hold) for scale in scales)
        case "blue-green":
            return (Phase(scale=replicas),)
        case "shadow":
            return (Phase(mirror=Mirror(), scale=replicas, hold=SHADOWED),)
    what = "ab needs `steps` that say which requests go to the new version"
    hint = 'add `steps: [{match: {cookie: {beta: "1"}}, hold: approve}]`, or `users: 10%` in a step'
    said.wrong(what, service.name, "rollout", "strategy", hint=hint)
    return ()


def _phase(step: StepSettings, replicas: int) -> Phase:
    traffic = step.users or step.traffic or 0.0
    copied = (100 - traffic) * (step.mirror or 0.0) / 100
    carriers = _carriers(replicas, round(traffic + copied, 2))
    return Phase(
        traffic=traffic,
        sticky=step.users is not None,
        match=tuple(_match(one) for one in step.match or ()),
        mirror=_mirror(step.mirror, step.methods) if step.mirror else None,
        scale=min(step.scale.of(replicas) or replicas, replicas) if step.scale else carriers,
        hold=step.hold.seconds if step.hold else 0.0,
        approve=step.hold.approve if step.hold else False,
        check=job(step.check),
    )


def _carriers(replicas: int, percent: float) -> int:
    """The fewest of `replicas` that can take so much of the traffic, at least one. In whole numbers: a share is no float."""
    return max(1, -(-replicas * round(percent * 100) // 10_000))


def _match(said: MatchSettings) -> Match:
    for name, value in said.header.items():
        return Match(header=name.lower(), value=value)
    for name, value in said.cookie.items():
        return Match(cookie=name, value=value)
    return Match()


def _mirror(percent: float, methods: tuple[str, ...] | None) -> Mirror:
    return Mirror(percent=percent, methods=tuple(dict.fromkeys(methods))) if methods else Mirror(percent=percent)


def _check(said: Said, service: Service, steps: tuple[StepSettings, ...], strategy: str, routed: bool) -> None:
    path = (service.name, "rollout", "steps")
    if not steps:
        said.wrong("there is no step in it", *path, hint="leave `steps` out for those that the strategy stands for")
    elif strategy == "ab" and routed and not any(step.match or step.users for step in steps):
        hint = 'add one such as `{match: {cookie: {beta: "1"}}, hold: approve}`, or say `strategy: canary`'
        said.wrong("ab needs a step with `match` or `users`", *path, hint=hint)
    most = 0.0
    for index, step in enumerate(steps):
        place = said.item(path, str(index))
        for keys, what, hint in (*_state(step), *(_shares(step, service, most) if routed else _unrouted(step))):
            said.wrong(what, *place, *keys, hint=hint)
        for number, one in enumerate(step.match or ()):
            inner = said.item((*place, "match"), str(number))
            for what in _one_condition(one):
                hint = "write a list: a request with any of its entries goes to the new version"
                said.wrong(what, *inner, hint=hint)
        most = max(most, step.users or 0.0)


Found = Iterator[tuple[tuple[str, ...], str, str]]
"""Keys below a step, what is wrong there, and what to do."""


def _state(step: StepSettings) -> Found:
    if all(getattr(step, key) is None for key in _STATE):
        hint = "a step is a whole state: put `hold` and `check` where the traffic is said, or say `scale` here"
        yield (), f"a step says at least one of {', '.join(_STATE)}", hint
    if step.match == ():
        yield ("match",), "no header and no cookie is in it", 'write `{header: {x-beta: "yes"}}`'
    if step.methods is not None and step.mirror is None:
        yield ("methods",), "`methods` goes with `mirror`", "add `mirror: 100%`"
    if step.methods == () and step.mirror is not None:
        yield ("methods",), "no method is in it", "leave `methods` out for GET and HEAD"


def _unrouted(step: StepSettings) -> Found:
    for key in _ROUTED:
        if getattr(step, key) is not None:
            hint = "add `route: {port: 8000}`, or say `scale`: a share of the replicas"
            yield (key,), f"`{key}` needs a route: no requests reach the service through the gateway", hint


def _shares(step: StepSettings, service: Service, most: float) -> Found:
    if step.users is not None and step.traffic is not None:
        yield ("users",), "a step has `traffic` (a share of the requests) or `users`, not both", "drop one of them"
    elif step.users is not None and step.users < most:
        what = f"users who have the new version would go back to the old one: {most:g}% of them before, {step.users:g}% here"
        yield ("users",), what, f"say at least {most:g}%"
    replicas, traffic = max(service.deploy.replicas, 1), step.users or step.traffic or 0.0
    needed, there = _carriers(replicas, traffic), _phase(step, replicas).scale
    if there < needed:
        what = f"{traffic:g}% of the traffic of {replicas} replicas is too much for {there}: it takes {needed}"
        yield ("scale",), what, f"say `scale: {needed}`, or leave `scale` out"


def _one_condition(said: MatchSettings) -> Iterator[str]:
    count = len(said.header) + len(said.cookie)
    if count == 0:
        yield "no header and no cookie is in it"
    elif count > 1:
        yield f"an entry of `match` is one header or one cookie, not {count}"
