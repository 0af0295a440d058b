"""`mode: global`: how many replicas that is, on the hosts that there are."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from fairway.model.app import App, Service
from fairway.model.hosts import Host, HostState, parse_constraint, runs


def everywhere(app: App, hosts: Collection[Host]) -> App:
    """The application, with one replica of each global service for every host that will do; as it is where there are none."""
    if not hosts:
        return app
    services = {name: _sized(service, hosts) for name, service in app.services.items()}
    return replace(app, services=services)


def _sized(service: Service, hosts: Collection[Host]) -> Service:
    if service.deploy.mode != "global":
        return service
    constraints = [parse_constraint(text) for text in service.deploy.placement.constraints]
    count = sum(
        host.state is HostState.READY
        and all(constraint.met(host) for constraint in constraints)
        and (not service.platform or runs(host, service.platform))
        for host in hosts
    )
    return replace(service, deploy=replace(service.deploy, replicas=count))
