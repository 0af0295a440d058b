"""What an application asks for and Docker Swarm cannot honour: each with its file and line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from fairway.model.app import App, Path, Service
from fairway.model.errors import Problem
from fairway.render.docker_refusals import refused
from fairway.render.docker_table import ROWS
from fairway.render.swarm import NO_NEW_PRIVILEGES

CAN = (
    "services.deploy.placement",
    "services.deploy.restart_policy.delay",
    "services.deploy.restart_policy.window",
    "services.deploy.restart_policy.max_attempts",
    "services.deploy.resources.reservations.generic_resources",
    "services.deploy.endpoint_mode",
)
"""What one host refuses for want of a scheduler."""
PRIVILEGES_API = (1, 46)
KEPT = "a release keeps its own secrets, in versions"
OBJECTS = {
    ("configs", "external"): ("a release keeps its own configs, that nobody else removes", "use `file` or `content`"),
    ("secrets", "driver"): (KEPT, "name a store under `secrets` in fairway.yaml"),
    ("secrets", "driver_opts"): (KEPT, "name a store under `secrets` in fairway.yaml"),
    ("secrets", "template_driver"): (KEPT, "use a config with `template_driver: jinja`"),
}
"""What Swarm could do, and Fairway does not want it to."""
LIMITS = "Swarm has no such limit"
ALONE = "Swarm places each task by itself"
LEAST = "a task gets no more rights than Swarm gives it"


class Limit(Struct, frozen=True):
    """`find` says where in a service it stands; None: in the field itself, where that is not empty."""

    path: str
    why: str
    hint: str
    find: Callable[[Service], Iterable[Path]] | None = None

    def places(self, service: Service) -> Iterable[Path]:
        if self.find:
            return self.find(service)
        return [(self.path,)] if getattr(service, self.path) else []


def _each(key: str, values: Callable[[Service], Iterable[object]], field: str = "") -> Callable[[Service], list[Path]]:
    def find(service: Service) -> list[Path]:
        rest = (field,) if field else ()
        return [(key, str(index), *rest) for index, bad in enumerate(values(service)) if bad]

    return find


def _when(path: Path, said: Callable[[Service], object]) -> Callable[[Service], list[Path]]:
    return lambda service: [path] if said(service) else []


def _attached(key: str) -> Callable[[Service], list[Path]]:
    return lambda service: [("networks", name, key) for name, one in service.networks.items() if getattr(one, key)]


TABLE = (
    Limit("container_name", "tasks are named by Swarm", "remove it: the service's name is known on its networks"),
    Limit("mac_address", ALONE, "remove it"),
    Limit("domainname", "Swarm sets none", "write the whole name as `hostname`"),
    Limit("annotations", "Swarm passes none on", "use `labels`"),
    Limit("privileged", LEAST, "name what it needs in `cap_add`"),
    Limit("userns_mode", LEAST, "remove it"),
    Limit("ipc", ALONE, "remove it"),
    Limit("pid", ALONE, "remove it"),
    Limit("uts", ALONE, "remove it"),
    Limit("cgroup", ALONE, "remove it"),
    Limit("cgroup_parent", LIMITS, "remove it"),
    Limit("runtime", "each node has a default runtime of its own", "set `default-runtime` on the nodes"),
    Limit("devices", LEAST, "reserve `generic_resources`, or run the service with engine: docker"),
    Limit("device_cgroup_rules", LEAST, "remove it"),
    Limit("gpus", LEAST, "reserve `generic_resources`, which the nodes advertise"),
    Limit("volumes_from", ALONE, "mount the volume in both services"),
    Limit("shm_size", LIMITS, "mount a tmpfs at /dev/shm, with a `size`"),
    Limit("storage_opt", LIMITS, "set it for the nodes' storage driver"),
    Limit("cpu_shares", LIMITS, "use deploy.resources.reservations.cpus"),
    *(
        Limit(key, LIMITS, "use deploy.resources.limits.cpus")
        for key in ("cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime")
    ),
    Limit("cpuset", LIMITS, "use deploy.placement.constraints"),
    Limit("memswap_limit", LIMITS, "use deploy.resources.limits.memory"),
    Limit("mem_swappiness", LIMITS, "use deploy.resources.limits.memory"),
    Limit("oom_kill_disable", LIMITS, "use deploy.resources.limits.memory"),
    Limit("oom_score_adj", LIMITS, "use deploy.resources.limits.memory"),
    Limit("blkio_config", LIMITS, "remove it"),
    Limit(
        "deploy.resources.reservations.devices",
        LEAST,
        "reserve `generic_resources`, which the nodes advertise",
        _when(("deploy", "resources", "reservations", "devices"), lambda s: s.deploy.reservations.devices),
    ),
    Limit(
        "deploy.endpoint_mode",
        "virtual IPs hide which task answers, and need IPVS: names stand for all tasks",
        "say dnsrr, or remove it",
        _when(("deploy", "endpoint_mode"), lambda s: s.deploy.endpoint_mode == "vip"),
    ),
    Limit(
        "network_mode",
        "a task joins networks, or its node's own (`host`)",
        "use `networks`, or `network_mode: host`",
        _when(("network_mode",), lambda s: s.network_mode not in (None, "host", "none")),
    ),
    Limit(
        "security_opt",
        "Swarm passes nothing on but no-new-privileges",
        "set it for all containers of the nodes",
        _each("security_opt", lambda s: (option not in NO_NEW_PRIVILEGES for option in s.security_opt)),
    ),
    Limit(
        "ports.mode",
        "the ingress mesh knows no release, and needs IPVS",
        "give the service a `route` in fairway.yaml, or say `mode: host`",
        _each("ports", lambda s: (port.mode != "host" for port in s.ports)),
    ),
    Limit(
        "ports.host_ip",
        "Swarm publishes on all addresses of a node",
        "remove it",
        _each("ports", lambda s: (port.host_ip for port in s.ports)),
    ),
    Limit(
        "ports.published",
        "Swarm publishes one port, and no range",
        "name one port",
        _each("ports", lambda s: (port.published_to not in (None, port.published) for port in s.ports)),
    ),
    Limit(
        "volumes.tmpfs",
        "of a tmpfs, Swarm knows the size and the mode",
        "remove the other options",
        _each("volumes", lambda s: (mount.type == "tmpfs" and mount.options for mount in s.volumes)),
    ),
    Limit(
        "volumes.selinux",
        "Swarm labels nothing for SELinux",
        "label the directory on the nodes",
        _each("volumes", lambda s: (mount.selinux for mount in s.volumes)),
    ),
    Limit(
        "volumes.bind.recursive",
        "Swarm knows no such option",
        "remove it",
        _each("volumes", lambda s: (mount.recursive for mount in s.volumes)),
    ),
    Limit(
        "volumes.type",
        "Swarm mounts no images",
        "use another type",
        _each("volumes", lambda s: (mount.type == "image" for mount in s.volumes), "type"),
    ),
    *(
        Limit(f"networks.{key}", "Swarm gives each task its address", "remove it", _attached(key))
        for key in (
            "ipv4_address",
            "ipv6_address",
            "link_local_ips",
            "mac_address",
            "gw_priority",
            "interface_name",
        )
    ),
)
"""Beside what no engine of Docker's can do."""


def refusals(app: App, api: tuple[int, int] = (1, 41)) -> tuple[Problem, ...]:
    """`api` is the version that the managers speak."""
    known = {limit.path for limit in TABLE}
    rows = [row for row in ROWS if row.path not in CAN and row.path.removeprefix("services.") not in known]
    plain = (_reworded(one) for one in refused(app, api, rows))
    mine = (problem for service in app.services.values() for problem in _service(app, service, api))
    return (*plain, *mine, *_networks(app))


def _reworded(problem: Problem) -> Problem:
    why, hint = OBJECTS.get((problem.path[0], problem.path[-1]), ("", problem.hint))
    what = why or problem.what.removeprefix("not possible on one Docker host: ")
    return replace(problem, what=f"not possible with Docker Swarm: {what}", hint=hint)


def _service(app: App, service: Service, api: tuple[int, int]) -> Iterator[Problem]:
    for limit in TABLE:
        for place in limit.places(service):
            yield _problem(app, ("services", service.name, *place), limit.why, limit.hint)
    if api < PRIVILEGES_API:
        for index, option in enumerate(service.security_opt):
            if option in NO_NEW_PRIVILEGES:
                path = ("services", service.name, "security_opt", str(index))
                yield _problem(app, path, "it needs Docker 27 on all nodes", "update Docker, or remove it")


def _networks(app: App) -> Iterator[Problem]:
    for key, network in app.networks.items():
        if not network.external and network.driver not in (None, "", "overlay"):
            why = f"a {network.driver} network ends at its node"
            yield _problem(app, ("networks", key, "driver"), why, "use overlay, or remove it")


def _problem(app: App, path: Path, why: str, hint: str) -> Problem:
    return Problem(f"not possible with Docker Swarm: {why}", app.where(*path), path, hint)
