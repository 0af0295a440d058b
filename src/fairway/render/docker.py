"""A replica as Docker makes it: the body of POST /containers/create. Pure: what the host knows comes in a Place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from fairway.model.app import Healthcheck, Service
from fairway.model.deploy import RestartPolicy
from fairway.model.environment import Environment
from fairway.model.release import Release, Revision
from fairway.render import names
from fairway.render.docker_limits import limits
from fairway.render.docker_mounts import FilesVolume, mounts
from fairway.render.docker_networks import aliases, declared, endpoint, joined, reached

Json = dict[str, Any]


class Place(Struct, frozen=True, kw_only=True):
    """What only the host knows of a replica to be. `index` counts from 1."""

    index: int
    addresses: Mapping[str, str] = field(default_factory=dict)
    """Its fixed address on each network, by the network's key."""
    files: FilesVolume | None = None
    peers: Mapping[str, str] = field(default_factory=dict)
    """The container behind each service that it shares a namespace or volumes with."""


class Rendered(Struct, frozen=True):
    """A container to make. Docker 20.10 takes one network at creation: the others are joined before it starts."""

    name: str
    platform: str | None
    body: Json
    more_networks: tuple[tuple[str, Json], ...] = ()


def container(release: Release, revision: Revision, place: Place) -> Rendered:
    """One replica of a revision. Where other services find its service on every host, a holder bears the names in its place."""
    environment, app = release.environment, release.app
    service = app.services[revision.service]
    route = release.policy(service.name).route
    endpoints = [
        (
            names.network(environment, declared(app, key)),
            endpoint(attachment, place.addresses.get(key), () if route and route.names else aliases(app, service, key)),
        )
        for key, attachment in joined(service)
    ]
    body: Json = {
        **config(service),
        "Image": release.images[service.name].pinned,
        "Labels": labels(release, revision, place),
        "HostConfig": said(host_config(environment, release, service, place, endpoints)),
        "NetworkingConfig": {"EndpointsConfig": dict(endpoints[:1])},
    }
    name = service.container_name or names.replica(environment, revision, place.index)
    return Rendered(name, service.platform, body, tuple(endpoints[1:]))


def labels(release: Release, revision: Revision, place: Place) -> dict[str, str]:
    service = release.app.services[revision.service]
    ours = names.of_replica(release.environment, revision, place.index)
    ours[names.NETWORK] = reached(release.environment, release.app, service)
    if place.files:
        ours[names.FILES] = place.files.name
    return dict(service.deploy.labels) | dict(service.labels) | ours


def config(service: Service) -> Json:
    """The part of the body that describes the process."""
    body: Json = {
        "Cmd": list(service.command) if service.command is not None else None,
        "Entrypoint": list(service.entrypoint) if service.entrypoint is not None else None,
        "Env": [f"{key}={value}" for key, value in service.environment.items()],
        "WorkingDir": service.working_dir,
        "User": service.user,
        "Hostname": service.hostname,
        "Domainname": service.domainname,
        "MacAddress": service.mac_address,
        "Tty": service.tty,
        "OpenStdin": service.stdin_open,
        "StopSignal": service.stop_signal,
        "StopTimeout": None if service.stop_grace_period is None else math.ceil(service.stop_grace_period),
        "Healthcheck": healthcheck(service.healthcheck) if service.healthcheck else None,
        "ExposedPorts": {port: {} for port in exposed(service)},
    }
    return {key: value for key, value in body.items() if value is not None}


def exposed(service: Service) -> list[str]:
    """`80/tcp`."""
    published = [f"{port.target}/{port.protocol}" for port in service.ports]
    return [*published, *(port for item in service.expose for port in _each(item))]


def _each(item: str) -> list[str]:
    """`3000`, `3000-3002`, `53/udp`."""
    numbers, _, protocol = item.partition("/")
    first, _, last = numbers.partition("-")
    return [f"{number}/{protocol or 'tcp'}" for number in range(int(first), int(last or first) + 1)]


def healthcheck(check: Healthcheck) -> Json:
    """Durations in nanoseconds; without a test, the image's own is kept."""
    if check.disable:
        return {"Test": ["NONE"]}
    body = {
        "Test": list(check.test) if check.test is not None else None,
        "Interval": nanoseconds(check.interval),
        "Timeout": nanoseconds(check.timeout),
        "Retries": check.retries,
        "StartPeriod": nanoseconds(check.start_period),
        "StartInterval": nanoseconds(check.start_interval),
    }
    return {key: value for key, value in body.items() if value is not None}


def nanoseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e9)


def host_config(
    environment: Environment, release: Release, service: Service, place: Place, endpoints: list[tuple[str, Json]]
) -> Json:
    """The part of the body that describes where and how the process runs; None where nothing was said."""
    return {
        **mounts(environment, release.app, service, place.files),
        **limits(service),
        **isolation(service, place),
        "NetworkMode": endpoints[0][0] if endpoints else shared(service.network_mode or "bridge", place),
        "PortBindings": ports(service),
        "RestartPolicy": restart(service.deploy.restart_policy or service.restart),
        "LogConfig": logging(service),
        "Init": service.init,
        "Dns": list(service.dns),
        "DnsSearch": list(service.dns_search),
        "DnsOptions": list(service.dns_opt),
        "ExtraHosts": list(service.extra_hosts),
        "Sysctls": dict(service.sysctls),
        "Annotations": dict(service.annotations),
        "Runtime": service.runtime,
        "VolumesFrom": [volumes_from(item, place) for item in service.volumes_from],
    }


def isolation(service: Service, place: Place) -> Json:
    """What a container may see and do."""
    unmasked = [option for option in service.security_opt if option in UNMASKED]
    body: Json = {
        "Privileged": service.privileged,
        "ReadonlyRootfs": service.read_only,
        "CapAdd": list(service.cap_add),
        "CapDrop": list(service.cap_drop),
        "SecurityOpt": [option for option in service.security_opt if option not in UNMASKED],
        "GroupAdd": list(service.group_add),
        "UsernsMode": service.userns_mode,
        "IpcMode": shared(service.ipc, place) if service.ipc else None,
        "PidMode": shared(service.pid, place) if service.pid else None,
        "UTSMode": service.uts,
        "CgroupnsMode": service.cgroup,
        "CgroupParent": service.cgroup_parent,
        "Isolation": service.isolation,
    }
    return body | ({"MaskedPaths": Cleared(), "ReadonlyPaths": Cleared()} if unmasked else {})


UNMASKED = ("systempaths=unconfined", "systempaths:unconfined")


class Cleared(list[str]):
    """An empty list that means something."""


def said(fields: Json) -> Json:
    """Without what was not said: Docker's own defaults hold there."""
    return {
        key: value for key, value in fields.items() if isinstance(value, Cleared) or value not in (None, [], {}, "")
    }


def shared(mode: str, place: Place) -> str:
    """`service:web` is the container behind that service."""
    kind, _, name = mode.partition(":")
    return f"container:{place.peers[name]}" if kind == "service" else mode


def volumes_from(item: str, place: Place) -> str:
    """`web:ro`, or `container:name:ro` for one that is none of ours."""
    if item.startswith("container:"):
        return item.removeprefix("container:")
    name, _, mode = item.partition(":")
    return f"{place.peers[name]}:{mode}" if mode else place.peers[name]


def peers(service: Service) -> tuple[str, ...]:
    """The services whose containers it needs to know."""
    modes = [mode for mode in (service.network_mode, service.ipc, service.pid) if mode and mode.startswith("service:")]
    sources = [item.partition(":")[0] for item in service.volumes_from if not item.startswith("container:")]
    return tuple(dict.fromkeys([*(mode.partition(":")[2] for mode in modes), *sources]))


def ports(service: Service) -> Json:
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in service.ports:
        published = "" if port.published is None else str(port.published)
        if port.published_to is not None and port.published_to != port.published:
            published = f"{port.published}-{port.published_to}"
        binding = {"HostIp": port.host_ip or "", "HostPort": published}
        bindings.setdefault(f"{port.target}/{port.protocol}", []).append(binding)
    return bindings


def restart(policy: RestartPolicy | None) -> Json:
    """A RestartPolicy: Docker starts a container again with growing pauses, and counts."""
    match policy:
        case RestartPolicy(condition="any", stays_stopped=True):
            return {"Name": "unless-stopped"}
        case RestartPolicy(condition="any"):
            return {"Name": "always"}
        case RestartPolicy(condition="on-failure", max_attempts=attempts):
            return {"Name": "on-failure", "MaximumRetryCount": attempts or 0}
        case _:
            return {"Name": "no"}


def logging(service: Service) -> Json:
    driver, options = service.logging.driver, dict(service.logging.options)
    return {"Type": driver or "", "Config": options} if driver or options else {}


def volume(environment: Environment, release: Release, key: str) -> Json:
    """The body of POST /volumes/create."""
    declared = release.app.volumes[key]
    return {
        "Name": names.volume(environment, declared),
        "Driver": declared.driver or "local",
        "DriverOpts": dict(declared.driver_opts),
        "Labels": dict(declared.labels) | names.of_environment(environment, names.Kind.VOLUME) | {names.KEY: key},
    }
