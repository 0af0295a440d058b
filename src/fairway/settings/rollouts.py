"""How a new revision of a service takes over: chosen in fairway.yaml, else what its Compose file asks for or allows."""

from __future__ import annotations

from fairway.model.app import Service, UpdateConfig
from fairway.model.policy import Rollout
from fairway.settings.model import RolloutSettings
from fairway.settings.said import Said
from fairway.settings.twice import reasons


def rollout(said: Said, service: Service) -> Rollout:
    """The rollout of `service`; what cannot be is added to the problems."""
    chosen = said.of(service.name).rollout
    strategy, why = _strategy(said, service, chosen)
    update = service.deploy.update_config
    monitor = chosen.monitor if chosen.monitor is not None else update.monitor if update else 0.0
    deadline = chosen.deadline if chosen.deadline is not None else Rollout().deadline
    surge, pause = _batches(service, chosen) if strategy == "rolling" else (None, 0.0)
    return Rollout(
        strategy=strategy,
        surge=surge,
        pause=pause,
        monitor=monitor,
        drain_timeout=chosen.drain_timeout,
        deadline=deadline,
        why=why,
    )


def _strategy(said: Said, service: Service, chosen: RolloutSettings) -> tuple[str, str]:
    """The strategy, and why where fairway.yaml does not name it."""
    routed = said.of(service.name).route is not None
    found = reasons(service)
    if chosen.strategy == "rolling":
        for reason in (reason for reason in found if not reason.choice):
            what = f"rolling needs two at once, and {reason.told(said.app)}"
            hint = f"{reason.remedy}{_because(reason.path, routed)}, or say `strategy: recreate`"
            said.wrong(what, service.name, "rollout", "strategy", hint=hint)
    if chosen.strategy:
        return chosen.strategy, ""
    if found:
        remedy = f"{found[0].remedy}{_because(found[0].path, routed)}"
        _no_batches(said, service, chosen, f"it is recreated: {found[0].told(said.app)}", remedy)
        return "recreate", f"{', '.join(reason.told(said.app) for reason in found)}; {remedy}"
    if first := _stop_first(said, service):
        if routed:
            return "rolling", f"{first}, but a routed service starts the new one first, so that no request fails"
        _no_batches(said, service, chosen, f"it is recreated: {first}", "say `strategy: rolling`")
        return "recreate", first
    return "rolling", ""


def _because(path: tuple[str, ...], routed: bool) -> str:
    return " (the gateway routes to it)" if routed and path[-1] == "ports" else ""


def _no_batches(said: Said, service: Service, chosen: RolloutSettings, why: str, hint: str) -> None:
    for key in ("surge", "pause"):
        if getattr(chosen, key) is not None:
            said.wrong(f"`{key}` means nothing where {why}", service.name, "rollout", key, hint=hint)


def _batches(service: Service, chosen: RolloutSettings) -> tuple[int | None, float]:
    """How many start at a time (None is all), and the pause after each batch: fairway.yaml before deploy.update_config."""
    update = service.deploy.update_config or UpdateConfig(parallelism=0)
    surge = chosen.surge.of(service.deploy.replicas) if chosen.surge else update.parallelism or None
    pause = update.delay if chosen.pause is None else chosen.pause
    return surge, pause


def _stop_first(said: Said, service: Service) -> str:
    """Where the Compose file says `order: stop-first` in so many words."""
    path = ("services", service.name, "deploy", "update_config", "order")
    update = service.deploy.update_config
    if path not in said.app.locations or not update or update.order != "stop-first":
        return ""
    return f"the order is stop-first ({said.app.where(*path)})"
