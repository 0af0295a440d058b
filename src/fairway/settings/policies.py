"""Settings + App → the policy of each service: what the files say, and what follows where they say nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fairway.model.app import App, Path, Service
from fairway.model.errors import InvalidFiles, Problem
from fairway.model.hardening import Hardening
from fairway.model.policy import Ready, Route, ServicePolicy
from fairway.settings.model import RouteSettings, Settings
from fairway.settings.reader import did_you_mean
from fairway.settings.rollouts import rollout
from fairway.settings.said import Said

MIN_READY = 2.0
"""Seconds that a replica runs before it counts as ready, where nothing else tells."""


def policies(settings: Settings, app: App, environment: str | None = None) -> Mapping[str, ServicePolicy]:
    """A policy for every service of `app`, as `environment` has it. Raises InvalidFiles, with every problem in it."""
    said = Said(settings, app, environment)
    found = {service.name: _policy(said, service) for service in app.services.values()}
    problems = [*said.problems, *_strangers(said), *_same_routes(said, found), *_taken_ports(said, found)]
    if problems:
        raise InvalidFiles(problems)
    return found


def _policy(said: Said, service: Service) -> ServicePolicy:
    route = said.of(service.name).route
    return ServicePolicy(
        route=_route(said, service, route) if route else None,
        ready=_ready(said, service),
        rollout=rollout(said, service),
        hardening=_hardening(said, service),
        storage=said.of(service.name).secrets.storage or said.storage,
    )


def _hardening(said: Said, service: Service) -> Hardening:
    whole = said.of(service.name).hardening
    strict = (whole.level or said.settings.hardening) == "strict"
    for key in () if strict else ("capabilities", "writable", "user"):
        if getattr(whole, key):
            hint = "say `level: strict` beside it, or `hardening: strict` at the top"
            said.wrong(f"`{key}` goes with strict hardening", service.name, "hardening", key, hint=hint)
    return Hardening(strict=strict, capabilities=whole.capabilities, writable=whole.writable, user=whole.user)


def _route(said: Said, service: Service, route: RouteSettings) -> Route | None:
    mode = service.network_mode
    if mode and mode != "bridge":
        where = said.app.where("services", service.name, "network_mode")
        what = f"the gateway cannot reach a service with network_mode {mode} ({where})"
        said.wrong(what, service.name, "route", hint="drop `network_mode`")
    port = route.port or _only_port(service)
    if port is None:
        what = "a route needs the port on which the service listens"
        said.wrong(what, service.name, "route", hint="add `port: 8000`, or the one it is")
        return None
    return Route(
        hosts=route.hosts or ((route.host,) if route.host else ("*",)),
        port=port,
        path=route.path or "/",
        timeout=_or(route.timeout, 0.0),
        retries=2 if route.retries is None else route.retries,
    )


def _only_port(service: Service) -> int | None:
    """The TCP port that the Compose file names for the service, if it names one and no other."""
    exposed = (item.removesuffix("/tcp") for item in service.expose)
    ports = {int(item) for item in exposed if item.isdecimal()}
    ports |= {port.target for port in service.ports if port.protocol == "tcp"}
    return ports.pop() if len(ports) == 1 else None


def _ready(said: Said, service: Service) -> Ready:
    whole = said.of(service.name)
    ready = whole.ready
    for key in () if ready.http else ("port", "status"):
        if getattr(ready, key) is not None:
            said.wrong(f"`{key}` goes with `http`", service.name, "ready", key, hint="add `http: /up`")
    if ready.http and not ready.port and not whole.route:
        what = "`http` needs a port where the service has no route"
        said.wrong(what, service.name, "ready", "http", hint="add `port: 8000`, or the one it is")
    checked = ready.http or (service.healthcheck and not service.healthcheck.disable)
    return Ready(
        http=ready.http,
        port=ready.port,
        status=ready.status,
        min_ready=_or(ready.min_ready, 0.0 if checked else MIN_READY),
        deadline=_or(ready.deadline, _deadline(service)),
    )


def _deadline(service: Service) -> float:
    """The usual, or as long as the healthcheck may take to give up where that is longer."""
    check = service.healthcheck
    if check is None or check.disable:
        return Ready().deadline
    once = _or(check.interval, 30.0) + _or(check.timeout, 30.0)
    return max(Ready().deadline, _or(check.start_period, 0.0) + _or(check.retries, 3) * once)


def _strangers(said: Said) -> Iterator[Problem]:
    """Services that fairway.yaml names and the application lacks. One whose profile is not active is no stranger."""
    for path, name in _named(said):
        if name not in said.app.services and ("services", name) not in said.app.locations:
            hint = did_you_mean(name, said.app.services)
            yield Problem(f"the application has no service `{name}`", said.settings.where(*path), path, hint)


def _named(said: Said) -> Iterator[tuple[Path, str]]:
    settings = said.settings
    for name in settings.services:
        yield ("services", name), name
    for place, environment in settings.environments.items():
        if said.environment in (None, place):
            for name in environment.services:
                yield ("environments", place, "services", name), name
    for stage in settings.stages():
        if stage.service:
            yield ("test", stage.name, "service"), stage.service
        if stage.http:
            yield ("test", stage.name, "http", "service"), stage.http.service


def _same_routes(said: Said, found: Mapping[str, ServicePolicy]) -> Iterator[Problem]:
    taken: dict[tuple[str, str], str] = {}
    for name, policy in found.items():
        for host in policy.route.hosts if policy.route else ():
            key = (host, policy.route.path if policy.route else "")
            other = taken.setdefault(key, name)
            if other != name:
                where, path = said.place(name, "route")
                what = f"{other} has the same route: host {host}, path {key[1]}"
                yield Problem(what, where, path, "give each its own host or path")
    owners = {host: f"the route of {name}" for (host, _), name in taken.items()}
    for name, policy in found.items():
        if preview := policy.rollout.preview:
            other = owners.setdefault(preview, f"the preview of {name}")
            if other != f"the preview of {name}":
                where, path = said.place(name, "rollout", "preview")
                yield Problem(f"{preview} is {other} already", where, path, "give the preview a host of its own")


def _taken_ports(said: Said, found: Mapping[str, ServicePolicy]) -> Iterator[Problem]:
    """Ports of the host that a service publishes, and the gateway needs."""
    if not any(policy.route for policy in found.values()):
        return
    edge = said.settings.gateway
    gateways = {"http": edge.http, **({"https": edge.https} if edge.tls else {})}
    for service in said.app.services.values():
        for port in service.ports:
            first = port.published or 0
            for key, gateway in gateways.items() if port.protocol == "tcp" else ():
                if first <= gateway <= (port.published_to or first):
                    path = ("services", service.name, "ports")
                    hint = f"drop the port, or give the gateway another one: `gateway: {{{key}: {gateway + 8000}}}`"
                    yield Problem(f"port {gateway} of the host is the gateway's", said.app.where(*path), path, hint)


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
