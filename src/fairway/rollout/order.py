"""In which order services start: what they depend on first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter

from fairway.model.app import App


def levels(app: App) -> tuple[tuple[str, ...], ...]:
    """Services in groups: each depends only on groups before its own. The App has no cycles: its loader refuses them."""
    sorter = TopologicalSorter({name: needs(app, name) for name in sorted(app.services)})
    sorter.prepare()
    groups = []
    while sorter.is_active():
        ready = tuple(sorted(sorter.get_ready()))
        groups.append(ready)
        sorter.done(*ready)
    return tuple(groups)


def needs(app: App, service: str) -> tuple[str, ...]:
    return tuple(sorted(name for name in app.services[service].depends_on if name in app.services))


def awaited(app: App, services: Iterable[str]) -> Mapping[str, str]:
    """The dependencies of `services` for which more than their start is awaited: service to condition, the strictest one."""
    found: dict[str, str] = {}
    for service in services:
        for name, dependency in app.services[service].depends_on.items():
            if name in app.services and dependency.condition != "service_started":
                found[name] = max(found.get(name, ""), dependency.condition, key=_strictness)
    return found


def _strictness(condition: str) -> int:
    return ("", "service_healthy", "service_completed_successfully").index(condition)
