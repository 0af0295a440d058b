"""`deploy`, and the older fields that say the same: `scale`, `mem_limit`, `cpus`, `pids_limit`, `mem_reservation`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fairway.compose.normalise.fields import Fields, given
from fairway.compose.scalars import text, whole
from fairway.model.deploy import Deploy, Placement, Preference, Resources, RestartPolicy, UpdateConfig

_MODES = ("replicated", "global", "replicated-job", "global-job")


def deploy(service: Fields) -> Deploy:
    fields = service.child("deploy")
    mode = fields.choice("mode", _MODES, "replicated")
    replicas = _replicas(service, fields)
    if replicas is not None and mode.startswith("global"):
        fields.complain(f"`replicas` does not go with mode {mode}, which runs one on each host", "mode")
    return Deploy(
        mode=mode,
        replicas=1 if replicas is None else replicas,
        labels=fields.table("labels"),
        limits=_limits(service, fields.child("resources", "limits")),
        reservations=_reservations(service, fields.child("resources", "reservations")),
        restart_policy=_restart_policy(fields),
        update_config=_update_config(fields, "update_config", ("continue", "rollback", "pause")),
        rollback_config=_update_config(fields, "rollback_config", ("continue", "pause")),
        placement=_placement(fields.child("placement")),
        endpoint_mode=fields.text("endpoint_mode"),
    )


def _replicas(service: Fields, fields: Fields) -> int | None:
    scale, replicas = service.whole("scale"), fields.whole("replicas")
    if scale is not None and replicas is not None and scale != replicas:
        service.complain(f"`scale` is {scale} and `deploy.replicas` is {replicas}", "scale", "leave one of them out")
    found = scale if replicas is None else replicas
    if found is not None and found < 0:
        at, key = (service, "scale") if replicas is None else (fields, "replicas")
        at.complain("the number of replicas is negative", key)
        return None
    return found


def _limits(service: Fields, fields: Fields) -> Resources:
    return Resources(
        **given(
            cpus=_agreed(service, "cpus", fields, "cpus", Fields.number),
            memory=_agreed(service, "mem_limit", fields, "memory", Fields.size),
            pids=_agreed(service, "pids_limit", fields, "pids", Fields.whole),
        )
    )


def _reservations(service: Fields, fields: Fields) -> Resources:
    return Resources(
        devices=tuple(device_request(one) for one in fields.children("devices")),
        generic=tuple(fields.raw("generic_resources") or ()),
        **given(
            cpus=_positive(fields, "cpus", fields.number("cpus")),
            memory=_agreed(service, "mem_reservation", fields, "memory", Fields.size),
        ),
    )


def _agreed(
    service: Fields, old_key: str, fields: Fields, key: str, read: Callable[[Fields, str], float | None]
) -> float | None:
    """The value of two fields that mean the same; 0 (and -1 for processes) is no limit."""
    old = _positive(service, old_key, read(service, old_key))
    new = _positive(fields, key, read(fields, key))
    if old is not None and new is not None and old != new:
        place = ".".join((*fields.path[2:], key))
        service.complain(f"`{old_key}` and `{place}` say different things", old_key, "leave one of them out")
    return old if new is None else new


def _positive(fields: Fields, key: str, value: float | None) -> float | None:
    if value is not None and value < 0 and not (value == -1 and "pids" in key):
        fields.complain(f"`{key}` is negative", key)
    return value if value is not None and value > 0 else None


def device_request(fields: Fields) -> Mapping[str, Any]:
    """driver, count (-1 for all), device_ids, capabilities, options: those that are set."""
    ids = list(fields.texts("device_ids"))
    if ids and fields.has("count"):
        fields.complain("`count` and `device_ids` exclude each other", "count")
    count = fields.read("count", lambda node: -1 if text(node) == "all" else whole(node))
    return given(
        driver=fields.text("driver"),
        count=count if fields.has("count") else None if ids else -1,
        device_ids=ids or None,
        capabilities=list(fields.texts("capabilities")) or None,
        options=fields.table("options") or None,
    )


def _restart_policy(fields: Fields) -> RestartPolicy | None:
    if not fields.has("restart_policy"):
        return None
    policy = fields.child("restart_policy")
    return RestartPolicy(
        condition=policy.choice("condition", ("none", "on-failure", "any"), "any"),
        delay=policy.duration("delay"),
        max_attempts=policy.whole("max_attempts"),
        window=policy.duration("window"),
    )


def _update_config(fields: Fields, key: str, actions: tuple[str, ...]) -> UpdateConfig | None:
    if not fields.has(key):
        return None
    config = fields.child(key)
    parallelism, ratio = config.whole("parallelism"), config.number("max_failure_ratio")
    if parallelism is not None and parallelism < 0:
        config.complain("`parallelism` is negative", "parallelism")
    if ratio is not None and not 0 <= ratio <= 1:
        config.complain("`max_failure_ratio` is not between 0 and 1", "max_failure_ratio")
    return UpdateConfig(
        failure_action=config.choice("failure_action", actions, "pause"),
        order=config.choice("order", ("stop-first", "start-first"), "stop-first"),
        **given(
            parallelism=parallelism,
            delay=config.duration("delay"),
            monitor=config.duration("monitor"),
            max_failure_ratio=ratio,
        ),
    )


def _placement(fields: Fields) -> Placement:
    spreads = (one.text("spread") for one in fields.children("preferences"))
    return Placement(
        constraints=fields.texts("constraints"),
        preferences=tuple(Preference(spread=spread) for spread in spreads if spread),
        max_replicas_per_node=fields.whole("max_replicas_per_node"),
    )
