"""What a task may use, and what is kept free for it, as Swarm has it."""

from __future__ import annotations

from typing import Any

from fairway.model.app import Service
from fairway.model.deploy import Resources

Json = dict[str, Any]


def resources(service: Service) -> Json:
    limits, reserved = service.deploy.limits, service.deploy.reservations
    generic = [_generic(dict(item)) for item in reserved.generic]
    found = {
        "Limits": _amounts(limits) | ({"Pids": limits.pids} if limits.pids else {}),
        "Reservations": _amounts(reserved) | ({"GenericResources": generic} if generic else {}),
    }
    return {key: value for key, value in found.items() if value}


def _amounts(resources: Resources) -> Json:
    found: Json = {}
    if resources.cpus:
        found["NanoCPUs"] = round(resources.cpus * 1e9)
    if resources.memory:
        found["MemoryBytes"] = resources.memory
    return found


def _generic(item: Json) -> Json:
    """`discrete_resource_spec: {kind: gpu, value: 2}`."""
    said = item.get("discrete_resource_spec") or {}
    return {"DiscreteResourceSpec": {"Kind": str(said.get("kind") or ""), "Value": int(said.get("value") or 0)}}


def ulimits(service: Service) -> list[Json]:
    return [{"Name": one.name, "Soft": one.soft, "Hard": one.hard} for one in service.ulimits]
