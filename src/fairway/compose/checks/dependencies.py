"""What waits for what: every service that is named exists, is active, and none waits for itself in a circle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fairway.compose.checks.case import Case
from fairway.compose.words import closest
from fairway.model.app import Path, Service


def check_dependencies(case: Case) -> None:
    known = case.app.services
    for service in known.values():
        for name, path in _named(service):
            if name not in known and not case.problems.spoilt(("services", name)):
                case.tell(f"there is no service `{name}`", *path, hint=closest(name, known))
    active = {service.name for service in case.active}
    for service in case.active:
        for name, dependency in service.depends_on.items():
            if dependency.required and name in known and name not in active:
                _tell_inactive(case, service, known[name])
    for circle in _circles({name: list(service.depends_on) for name, service in known.items()}):
        first, second = circle[0], circle[1]
        case.tell(f"a circle: {' → '.join(circle)}", *_place(known[first], second))


def _tell_inactive(case: Case, service: Service, needed: Service) -> None:
    profiles = " or ".join(f"`{profile}`" for profile in needed.profiles)
    hint = f"activate the profile {profiles}, or write `required: false`"
    case.tell(f"needs `{needed.name}`, whose profile is not active", *_place(service, needed.name), hint=hint)


def _named(service: Service) -> Iterator[tuple[str, Path]]:
    """Every service that this one names, and where."""
    for name in service.depends_on:
        yield name, _place(service, name)
    for key, context in (service.build.additional_contexts if service.build else {}).items():
        if context.startswith("service:"):
            path = ("services", service.name, "build", "additional_contexts", key)
            yield context.removeprefix("service:"), path


def _place(service: Service, name: str) -> Path:
    """Where `service` says that it needs `name`: in depends_on, or where it is implied."""
    path = ("services", service.name)
    for key in ("network_mode", "ipc", "pid", "uts", "cgroup"):
        if getattr(service, key) == f"service:{name}":
            return (*path, key)
    lists: dict[str, Sequence[str]] = {"links": service.links, "volumes_from": service.volumes_from}
    for key, values in lists.items():
        for index, value in enumerate(values):
            if value.partition(":")[0] == name:
                return (*path, key, str(index))
    return (*path, "depends_on", name)


def _circles(edges: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Each circle found on a walk through the graph, once, closed: ["a", "b", "a"]. Iterative: a chain may be long."""
    done: set[str] = set()
    for start in edges:
        trail: list[str] = []
        stack: list[tuple[str, Iterator[str]]] = []
        if start not in done:
            stack.append((start, iter(edges[start])))
            trail.append(start)
        while stack:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                done.add(name)
                trail.pop()
                stack.pop()
            elif following in trail:
                yield [*trail[trail.index(following) :], following]
            elif following in edges and following not in done:
                trail.append(following)
                stack.append((following, iter(edges[following])))
