"""Deploy → Compose data."""

from __future__ import annotations

from typing import Any

from fairway.compose.dump.values import compact, duration, number, size
from fairway.model.deploy import Deploy, Resources, RestartPolicy, UpdateConfig


def deploy(one: Deploy) -> dict[str, Any]:
    default = Deploy()
    data = compact(
        {
            "mode": one.mode if one.mode != default.mode else None,
            "labels": one.labels,
            "resources": compact({"limits": _resources(one.limits), "reservations": _resources(one.reservations)}),
            "placement": compact(
                {
                    "constraints": one.placement.constraints,
                    "preferences": [{"spread": preference.spread} for preference in one.placement.preferences],
                    "max_replicas_per_node": one.placement.max_replicas_per_node,
                }
            ),
            "endpoint_mode": one.endpoint_mode,
        }
    )
    if one.replicas != default.replicas:
        data["replicas"] = one.replicas
    if one.restart_policy:
        data["restart_policy"] = _restart_policy(one.restart_policy)
    for key, config in (("update_config", one.update_config), ("rollback_config", one.rollback_config)):
        if config:
            data[key] = _update_config(config)
    return data


def _resources(one: Resources) -> dict[str, Any]:
    devices = [{key: "all" if value == -1 else value for key, value in device.items()} for device in one.devices]
    fields = {"cpus": number(one.cpus), "memory": size(one.memory), "pids": one.pids}
    return compact({**fields, "devices": devices, "generic_resources": one.generic})


def _restart_policy(one: RestartPolicy) -> dict[str, Any]:
    times = {"delay": duration(one.delay), "window": duration(one.window)}
    return compact({"condition": one.condition, "max_attempts": one.max_attempts, **times})


def _update_config(one: UpdateConfig) -> dict[str, Any]:
    return {
        "parallelism": one.parallelism,
        "delay": duration(one.delay),
        "failure_action": one.failure_action,
        "monitor": duration(one.monitor),
        "max_failure_ratio": one.max_failure_ratio,
        "order": one.order,
    }
