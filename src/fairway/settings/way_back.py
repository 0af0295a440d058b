"""`deploy.rollback_config` → how a version comes back where its replicas have to be started."""

from __future__ import annotations

from fairway.model.app import Service
from fairway.model.policy import WayBack
from fairway.settings.said import Said


def way_back(said: Said, service: Service, *, ordered: bool) -> WayBack:
    """What is written counts: the specification's defaults are nobody's wish.

    `ordered`: whether `order` may decide which goes first: not for a routed service, nor for what cannot run twice, nor where
    fairway.yaml names a strategy.
    """
    config = service.deploy.rollback_config
    if config is None:
        return WayBack()
    base = ("services", service.name, "deploy", "rollback_config")
    written = {path[-1] for path in said.app.locations if path[:-1] == base}
    replicas = service.deploy.replicas
    goes_on = config.failure_action == "continue" and "failure_action" in written
    return WayBack(
        surge=config.parallelism or None if "parallelism" in written else None,
        pause=config.delay,
        monitor=config.monitor,
        recreate=config.order == "stop-first" if ordered and "order" in written else None,
        spare=max(0, replicas - 1) if goes_on else config.may_fail(replicas),
    )
