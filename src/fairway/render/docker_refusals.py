"""What an application asks for and Docker on one host cannot honour: each with its file and line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from fairway.model.app import App, Path, Service
from fairway.model.errors import Problem
from fairway.model.files import JINJA
from fairway.render.docker_networks import joined
from fairway.render.docker_row import Row
from fairway.render.docker_table import BY_PATH, ROWS

Finder = Callable[[App, Service], Iterable[Path]]
"""Where in a service a refused use of a field stands: paths below the service."""


FLEET = ("services.deploy.placement",)
"""What several hosts can honour, and one cannot."""


def refusals(app: App, api: tuple[int, int] = (1, 41), *, fleet: bool = False) -> tuple[Problem, ...]:
    """`api` is the version that the engine speaks; `fleet`: there are several hosts."""
    return refused(app, api, [row for row in ROWS if not (fleet and row.path in FLEET)])


def refused(app: App, api: tuple[int, int], rows: Iterable[Row]) -> tuple[Problem, ...]:
    """By these rows of the table."""
    found = [problem for service in app.services.values() for problem in _service(app, service, api, rows)]
    return (*found, *_sections(app), *_objects(app, api))


def _service(app: App, service: Service, api: tuple[int, int], rows: Iterable[Row]) -> Iterator[Problem]:
    for row in rows:
        section, _, key = row.path.partition(".")
        if section != "services":
            continue
        if row.refused:
            find = REFUSED.get(key)
            places = find(app, service) if find else [(key,)] if key in service.extra else []
            yield from (_problem(app, row, ("services", service.name, *place)) for place in places)
        if row.api and api < row.api:
            places = NEWER[key](app, service)
            yield from (_too_old(app, row, ("services", service.name, *place), api) for place in places)


def _sections(app: App) -> Iterator[Problem]:
    """Whole sections, kept as they were written."""
    for section in ("models", "jobs"):
        if app.extensions.get(section) or any(path[0] == section for path in app.locations):
            yield _problem(app, BY_PATH[section], (section,))


def _objects(app: App, api: tuple[int, int]) -> Iterator[Problem]:
    for key, network in app.networks.items():
        if network.enable_ipv4 is False and api < (1, 48):
            yield _too_old(app, BY_PATH["networks.enable_ipv4"], ("networks", key, "enable_ipv4"), api)
    for key, config in app.configs.items():
        if config.external:
            yield _problem(app, BY_PATH["configs.external"], ("configs", key, "external"))
        if config.template_driver not in (None, "", JINJA):
            yield _problem(app, BY_PATH["configs.template_driver"], ("configs", key, "template_driver"))
    for key, secret in app.secrets.items():
        for field in ("driver", "driver_opts", "template_driver"):
            if getattr(secret, field):
                yield _problem(app, BY_PATH[f"secrets.{field}"], ("secrets", key, field))


def _problem(app: App, row: Row, path: Path) -> Problem:
    return Problem(f"not possible on one Docker host: {row.refused}", app.where(*path), path, row.hint)


def _too_old(app: App, row: Row, path: Path, api: tuple[int, int]) -> Problem:
    def version(pair: tuple[int, int] | None) -> str:
        return ".".join(map(str, pair or ()))

    what = f"the host's Docker is too old for it: it speaks API {version(api)}, and this needs {version(row.api)}"
    return Problem(what, app.where(*path), path, "update Docker on the host, or remove it")


def _when(path: Path, said: Callable[[Service], object]) -> Finder:
    return lambda app, service: [path] if said(service) else []


def _several(key: str) -> Finder:
    """A fixed address on a network, for more than one replica."""

    def find(app: App, service: Service) -> list[Path]:
        if service.deploy.replicas < 2:
            return []
        return [("networks", name, key) for name, attachment in joined(service) if getattr(attachment, key)]

    return find


def _attached(key: str) -> Finder:
    return lambda app, service: [("networks", name, key) for name, item in joined(service) if getattr(item, key)]


def _ports(app: App, service: Service) -> list[Path]:
    if service.deploy.replicas < 2:
        return []
    return [
        ("ports", str(index), "published")
        for index, port in enumerate(service.ports)
        if port.published is not None and port.published_to in (None, port.published)
    ]


def _mounts(key: str, said: Callable[[object], bool]) -> Finder:
    return lambda app, service: [
        ("volumes", str(index), key) for index, mount in enumerate(service.volumes) if said(mount)
    ]


def _owner(section: str, key: str) -> Finder:
    def find(app: App, service: Service) -> list[Path]:
        mounts = enumerate(getattr(service, section))
        values = ((index, getattr(mount, key)) for index, mount in mounts)
        return [(section, str(index), key) for index, value in values if value is not None and not value.isdecimal()]

    return find


def _seccomp(app: App, service: Service) -> list[Path]:
    def in_file(option: str) -> bool:
        for start in ("seccomp=", "seccomp:"):
            if option.startswith(start):
                profile = option.removeprefix(start)
                return profile not in ("unconfined", "builtin") and not profile.startswith("{")
        return False

    return [("security_opt", str(index)) for index, option in enumerate(service.security_opt) if in_file(option)]


def _placement(app: App, service: Service) -> list[Path]:
    placement, path = service.deploy.placement, ("deploy", "placement")
    fields = ("constraints", "preferences", "max_replicas_per_node")
    return [(*path, field) for field in fields if getattr(placement, field)]


def _policy(key: str) -> Path:
    return ("deploy", "restart_policy", key)


REFUSED: dict[str, Finder] = {
    "command": _when(("command",), lambda s: s.command == () and not s.entrypoint),
    "depends_on.restart": lambda app, service: [
        ("depends_on", name, "restart") for name, dependency in service.depends_on.items() if dependency.restart
    ],
    **{f"networks.{key}": _several(key) for key in ("ipv4_address", "ipv6_address", "link_local_ips", "mac_address")},
    "mac_address": _when(("mac_address",), lambda s: s.mac_address and s.deploy.replicas > 1),
    "ports.published": _ports,
    "external_links": _when(("external_links",), lambda s: s.external_links),
    "volumes.type": _mounts("type", lambda mount: getattr(mount, "type", "") in ("cluster", "npipe")),
    **{f"{section}.{key}": _owner(section, key) for section in ("configs", "secrets") for key in ("uid", "gid")},
    "security_opt": _seccomp,
    "isolation": _when(("isolation",), lambda s: s.isolation not in (None, "", "default")),
    "deploy.mode": _when(("deploy", "mode"), lambda s: s.deploy.mode.endswith("-job")),
    "deploy.endpoint_mode": _when(("deploy", "endpoint_mode"), lambda s: s.deploy.endpoint_mode == "vip"),
    "deploy.resources.reservations.generic_resources": _when(
        ("deploy", "resources", "reservations", "generic_resources"), lambda s: s.deploy.reservations.generic
    ),
    "deploy.restart_policy.max_attempts": _when(
        _policy("max_attempts"),
        lambda s: (p := s.deploy.restart_policy) and p.condition == "any" and p.max_attempts,
    ),
    "deploy.restart_policy.delay": _when(
        _policy("delay"), lambda s: s.deploy.restart_policy and s.deploy.restart_policy.delay
    ),
    "deploy.restart_policy.window": _when(
        _policy("window"), lambda s: s.deploy.restart_policy and s.deploy.restart_policy.window
    ),
    "deploy.placement": _placement,
    "deploy.update_config.failure_action": _when(
        ("deploy", "update_config", "failure_action"),
        lambda s: (
            (update := s.deploy.update_config)
            and update.failure_action == "continue"
            and not update.may_fail(s.deploy.replicas)
        ),
    ),
}
"""For fields that have an attribute; the others are refused wherever they are written (Service.extra)."""

NEWER: dict[str, Finder] = {
    "healthcheck.start_interval": _when(
        ("healthcheck", "start_interval"), lambda s: s.healthcheck and s.healthcheck.start_interval
    ),
    "annotations": _when(("annotations",), lambda s: s.annotations),
    "networks.mac_address": _attached("mac_address"),
    "networks.gw_priority": _attached("gw_priority"),
    "networks.interface_name": _attached("interface_name"),
    "volumes.bind.recursive": _mounts("bind", lambda mount: bool(getattr(mount, "recursive", None))),
    "volumes.volume.subpath": _mounts("volume", lambda mount: bool(getattr(mount, "subpath", None))),
    "volumes.image": _mounts("type", lambda mount: getattr(mount, "type", "") == "image"),
}
"""For fields that only newer versions of Docker's API know."""
