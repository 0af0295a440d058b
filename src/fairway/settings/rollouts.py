"""How a new revision of a service takes over: chosen in fairway.yaml, else what its Compose file asks for or allows."""

from __future__ import annotations

from fairway.model.app import Service
from fairway.model.deploy import UpdateConfig
from fairway.model.errors import Problem
from fairway.model.policy import Rollout
from fairway.settings.fitting import misfits
from fairway.settings.judging import judging
from fairway.settings.phases import job, phases
from fairway.settings.rollout_model import RolloutSettings
from fairway.settings.said import Said
from fairway.settings.twice import reasons
from fairway.settings.types import STEPPED
from fairway.settings.way_back import way_back

WARM = 600.0
"""Seconds that the old revision is kept after a blue-green switch, where nothing else is said."""


def rollout(said: Said, service: Service) -> Rollout:
    """The rollout of `service`; what cannot be is added to the problems."""
    chosen = said.of(service.name).rollout
    strategy, why = _strategy(said, service, chosen)
    update = service.deploy.update_config
    stepped = strategy in STEPPED
    monitor = 0.0 if stepped else chosen.monitor if chosen.monitor is not None else update.monitor if update else 0.0
    surge, pause = _batches(service, chosen) if strategy == "rolling" else (None, 0.0)
    steps = phases(said, service, chosen, strategy)
    return Rollout(
        strategy=strategy,
        steps=steps,
        judge=judging(said, service, chosen, strategy, phases=steps, batches=(surge, max(monitor, pause))),
        keep=_keep(said, service, chosen, strategy),
        before=job(chosen.before),
        after_keep=job(chosen.after_keep),
        on_fail=_on_fail(said, service, chosen),
        preview=_preview(said, service, chosen),
        max_unavailable=_max_unavailable(service, chosen, strategy),
        surge=surge,
        pause=pause,
        monitor=monitor,
        spare=_spare(said, service, strategy),
        back=way_back(said, service, ordered=_ordered(said, service, chosen)),
        drain_timeout=chosen.drain_timeout,
        deadline=chosen.deadline if chosen.deadline is not None else Rollout().deadline,
        why=why,
    )


def _strategy(said: Said, service: Service, chosen: RolloutSettings) -> tuple[str, str]:
    """The strategy, and why where fairway.yaml does not name it."""
    routed = said.of(service.name).route is not None
    found = reasons(service)
    if chosen.strategy and chosen.strategy != "recreate":
        for reason in (reason for reason in found if not reason.choice):
            what = f"{chosen.strategy} needs two at once, and {reason.told(said.app)}"
            hint = f"{reason.remedy}{_because(reason.path, routed)}, or say `strategy: recreate`"
            said.wrong(what, service.name, "rollout", "strategy", hint=hint)
    if chosen.strategy:
        for key, what, hint in misfits(chosen, chosen.strategy):
            said.wrong(what, service.name, "rollout", key, hint=hint)
        return chosen.strategy, ""
    if found:
        remedy = f"{found[0].remedy}{_because(found[0].path, routed)}"
        _recreated(said, service, chosen, found[0].told(said.app), remedy)
        return "recreate", f"{', '.join(reason.told(said.app) for reason in found)}; {remedy}"
    if first := _stop_first(said, service):
        if routed:
            _rolling(said, service, chosen)
            return "rolling", f"{first}, but a routed service starts the new one first, so that no request fails"
        _recreated(said, service, chosen, first, "say `strategy: rolling`")
        return "recreate", first
    _rolling(said, service, chosen)
    return "rolling", ""


def _because(path: tuple[str, ...], routed: bool) -> str:
    return " (the gateway routes to it)" if routed and path[-1] == "ports" else ""


def _recreated(said: Said, service: Service, chosen: RolloutSettings, why: str, hint: str) -> None:
    for key, what, _ in misfits(chosen, "recreate", f"it is recreated: {why}"):
        said.wrong(what, service.name, "rollout", key, hint=hint)


def _rolling(said: Said, service: Service, chosen: RolloutSettings) -> None:
    """Nobody has named a strategy, and rolling is what there is without one."""
    for key, _, hint in misfits(chosen, "rolling"):
        what = "`steps` belong to a strategy" if key == "steps" else f"`{key}` belongs to a strategy with steps"
        said.wrong(f"{what}, and none is named", service.name, "rollout", key, hint=hint)


def _batches(service: Service, chosen: RolloutSettings) -> tuple[int | None, float]:
    """How many start at a time (None is all), and the pause after each batch: fairway.yaml before deploy.update_config."""
    update = service.deploy.update_config or UpdateConfig(parallelism=0)
    surge = chosen.surge.of(service.deploy.replicas) if chosen.surge else update.parallelism or None
    pause = update.delay if chosen.pause is None else chosen.pause
    return surge, pause


def _spare(said: Said, service: Service, strategy: str) -> int:
    """As `deploy.update_config.max_failure_ratio` says. In a step every replica counts: they are few, and looked at."""
    update = service.deploy.update_config
    path = ("services", service.name, "deploy", "update_config", "failure_action")
    if strategy in STEPPED:
        if update and update.failure_action == "continue" and path in said.app.locations:
            what = f"`continue` means nothing where the strategy is {strategy}: a release that fails is led back"
            hint = "say rollback or pause, or remove it"
            said.problems.append(Problem(what, said.app.where(*path), path, hint))
        return 0
    return update.may_fail(service.deploy.replicas) if update else 0


def _ordered(said: Said, service: Service, chosen: RolloutSettings) -> bool:
    """Whether the Compose file decides what goes first."""
    return not (chosen.strategy or said.of(service.name).route or reasons(service))


def _stop_first(said: Said, service: Service) -> str:
    """Where the Compose file says `order: stop-first` in so many words."""
    path = ("services", service.name, "deploy", "update_config", "order")
    update = service.deploy.update_config
    if path not in said.app.locations or not update or update.order != "stop-first":
        return ""
    return f"the order is stop-first ({said.app.where(*path)})"


def _keep(said: Said, service: Service, chosen: RolloutSettings, strategy: str) -> float:
    routed = said.of(service.name).route is not None
    if chosen.keep and not routed and strategy != "recreate":
        what = "`keep` needs a route: without one, what is kept goes on working beside the new version"
        said.wrong(what, service.name, "rollout", "keep", hint="add `route: {port: 8000}`, or drop `keep`")
    if chosen.keep is None:
        return WARM if strategy == "blue-green" else 0.0
    return chosen.keep


def _preview(said: Said, service: Service, chosen: RolloutSettings) -> str | None:
    if chosen.preview and said.of(service.name).route is None:
        what = "`preview` needs a route: the gateway does not know the service"
        said.wrong(what, service.name, "rollout", "preview", hint="add `route: {port: 8000}`, or drop `preview`")
    return chosen.preview


def _on_fail(said: Said, service: Service, chosen: RolloutSettings) -> str:
    """fairway.yaml's word, else `deploy.update_config.failure_action` where it is written: its default is nobody's wish."""
    update = service.deploy.update_config
    path = ("services", service.name, "deploy", "update_config", "failure_action")
    if chosen.on_fail or not update or path not in said.app.locations:
        return chosen.on_fail or Rollout().on_fail
    return "hold" if update.failure_action == "pause" else "rollback"


def _max_unavailable(service: Service, chosen: RolloutSettings, strategy: str) -> int:
    """One replica always serves."""
    if strategy != "rolling" or chosen.max_unavailable is None:
        return 0
    replicas = service.deploy.replicas
    return max(0, min(chosen.max_unavailable.within(replicas), replicas - 1))
