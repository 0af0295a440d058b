"""Which services are found by their names on every host of a fleet, and on which ports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from fairway.model.app import App, Service
from fairway.model.build import ImageRef
from fairway.model.policy import Route, ServicePolicy


def named(
    app: App, images: Mapping[str, ImageRef], policies: Mapping[str, ServicePolicy]
) -> Mapping[str, ServicePolicy]:
    """The policies for an environment of several hosts: all TCP ports that are known of a service are its name's.

    They are those that the Compose file or the image (by service, in `images`) names, and the route's. A service without any,
    one that has no network of its own (`network_mode`), and one that others wait for to end, stays as it is.
    """
    found = dict(policies)
    jobs = {
        other
        for service in app.services.values()
        for other, dependency in service.depends_on.items()
        if dependency.condition == "service_completed_successfully"
    }
    for name, service in app.services.items():
        policy = policies.get(name) or ServicePolicy()
        ports = {*_declared(service), *(images[name].ports if name in images else ())}
        if policy.route:
            ports.add(policy.route.port)
        if ports and not service.network_mode and name not in jobs:
            names = tuple(sorted(ports))
            route = policy.route or Route(hosts=(), port=names[0])
            found[name] = replace(policy, route=replace(route, names=names))
    return found


def _declared(service: Service) -> Iterable[int]:
    yield from (port.target for port in service.ports if port.protocol == "tcp")
    for item in service.expose:
        numbers, _, protocol = item.partition("/")
        if protocol in ("", "tcp"):
            yield from _range(numbers)


def _range(numbers: str) -> Iterator[int]:
    """`3000`, `3000-3002`."""
    first, _, last = numbers.partition("-")
    yield from range(int(first), int(last or first) + 1)
