"""What is different in a release, service by service, for people to read before it happens.

Values are told only where they cannot be secret: nothing tells a password from a setting in an environment for certain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from fairway.model import marked
from fairway.model.app import Port, Service
from fairway.model.build import ImageRef
from fairway.model.deploy import Deploy, Resources
from fairway.model.files import FileMount, Mount
from fairway.model.policy import Route, ServicePolicy
from fairway.model.release import Release

SET, CHANGED = "set", "changed"
"""What is said of a value that is not told."""
TOLD = frozenset(
    {"name", "build", "image", "environment", "secrets", "configs", "volumes", "ports", "networks", "deploy", "extra"}
)
"""Fields of a service that are told in words of their own, or that reach no container."""


class Change(Struct, frozen=True):
    """`what` is `service`, or what of it is different; `before` is empty where it is new, `after` where it is gone."""

    service: str
    what: str
    before: str = ""
    after: str = ""


def changes(base: Release | None, release: Release) -> tuple[Change, ...]:
    """By service, in the order of their names. A service that comes or goes is one Change, with its image."""
    found: list[Change] = []
    before, after = base.app.services if base else {}, release.app.services
    for name in sorted(before.keys() | after.keys()):
        if base and name in before and name in after:
            found += (Change(name, *told) for told in _different(base, release, name))
        else:
            gone = _image(base.images.get(name)) if base and name in before else ""
            found.append(Change(name, "service", gone, _image(release.images.get(name)) if name in after else ""))
    return tuple(found)


Told = Iterator[tuple[str, str, str]]


def _different(base: Release, release: Release, name: str) -> Told:
    old, new = base.app.services[name], release.app.services[name]
    was, now = base.images.get(name), release.images.get(name)
    if (was.content if was else "") != (now.content if now else ""):
        yield "image", _image(was), _image(now)
    yield from _each("environment", old.environment, new.environment)
    yield from _each("secret", _versions(old.secrets, base.secrets), _versions(new.secrets, release.secrets), str)
    yield from _each("config", _contents(old.configs, base), _contents(new.configs, release), str)
    yield from _each("mount", _mounts(old), _mounts(new), str)
    yield from _each("port", _ports(old), _ports(new), str)
    yield from _each("network", _networks(base, old), _networks(release, new))
    yield from _each("volume", _volumes(base, old), _volumes(release, new))
    yield from _policies(base.policy(name), release.policy(name))
    yield from _storage(base, release, new)
    yield from _deploy(old.deploy, new.deploy)
    yield from _each("", {**_others(old), **old.extra}, {**_others(new), **new.extra})


def _each(
    kind: str, old: Mapping[str, object], new: Mapping[str, object], say: Callable[[object], str] | None = None
) -> Told:
    """What came, went, or differs, by name; `say` where values may be told."""
    for name in sorted(old.keys() | new.keys()):
        if name in old and name in new and old[name] == new[name]:
            continue
        before = (say(old[name]) if say else SET) if name in old else ""
        after = (say(new[name]) if say else CHANGED if name in old else SET) if name in new else ""
        yield f"{kind} {name}".strip(), before, after


def _image(image: ImageRef | None) -> str:
    if image is None:
        return ""
    digest = (image.digest or image.id).removeprefix("sha256:")[:12]
    return f"{image.reference.partition('@')[0]} ({digest})" if digest else image.reference


def _versions(mounts: Iterable[FileMount], versions: Mapping[str, str]) -> Mapping[str, str]:
    return {mount.source: _placed(mount, versions.get(mount.source, "")[:8]) for mount in mounts}


def _contents(mounts: Iterable[FileMount], release: Release) -> Mapping[str, str]:
    return _versions(mounts, {key: _content(release, key) for key in release.configs})


def _content(release: Release, key: str) -> str:
    """A hash of a config, and of the versions of the secrets in it."""
    content = release.configs[key]
    inside = sorted(marked.secrets_of(release.app.configs.get(key), content))
    told = [content, *(release.secrets.get(name, "") for name in inside)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _placed(mount: FileMount, version: str) -> str:
    owner = "".join(f" {key} {value}" for key, value in (("uid", mount.uid), ("gid", mount.gid)) if value)
    mode = f" mode {mount.mode:o}" if mount.mode is not None else ""
    return f"{mount.target}{owner}{mode} {version or 'external'}"


def _mounts(service: Service) -> Mapping[str, str]:
    return {mount.target: _mount(mount) for mount in service.volumes}


def _mount(mount: Mount) -> str:
    plain = Mount(type=mount.type, target=mount.target, source=mount.source, read_only=mount.read_only)
    options = [name for name in Mount.__struct_fields__ if getattr(mount, name) != getattr(plain, name)]
    how = [*(["read-only"] if mount.read_only else []), *(f"{name} {getattr(mount, name)}" for name in options)]
    return " ".join(filter(None, (mount.type, mount.source, ", ".join(how))))


def _ports(service: Service) -> Mapping[str, str]:
    """By target: one port of a container may be published several times."""
    found: dict[str, list[str]] = {}
    for port in service.ports:
        found.setdefault(f"{port.target}/{port.protocol}", []).append(_port(port))
    return {target: ", ".join(published) for target, published in found.items()}


def _port(port: Port) -> str:
    published = "any" if port.published is None else str(port.published)
    upto = f"-{port.published_to}" if port.published_to else ""
    names = "".join(f" {key} {value}" for key, value in (("name", port.name), ("for", port.app_protocol)) if value)
    return f"{f'{port.host_ip}:' if port.host_ip else ''}{published}{upto} {port.mode}{names}"


def _networks(release: Release, service: Service) -> Mapping[str, object]:
    return {key: (joined, release.app.networks.get(key)) for key, joined in service.networks.items()}


def _volumes(release: Release, service: Service) -> Mapping[str, object]:
    """How the volumes that the service mounts are defined; that it mounts them is told as a mount."""
    used = {mount.source for mount in service.volumes}
    return {key: volume for key, volume in release.app.volumes.items() if key in used}


def _storage(base: Release, release: Release, service: Service) -> Told:
    old, new = base.policy(service.name).storage, release.policy(service.name).storage
    if old != new and (service.secrets or service.configs):
        yield "storage of secrets", old, new


def _policies(old: ServicePolicy, new: ServicePolicy) -> Told:
    if old.route != new.route:
        yield "route", _route(old.route), _route(new.route)
    if old.ready != new.ready:
        yield "ready", SET, CHANGED
    if replace(old.rollout, why="") != replace(new.rollout, why=""):
        yield "rollout", old.rollout.strategy, new.rollout.strategy


def _route(route: Route | None) -> str:
    if route is None:
        return ""
    by_name = f"by its name, {'port' if len(route.names) == 1 else 'ports'} {', '.join(map(str, route.names))}"
    if not route.hosts:
        return by_name
    options = [f"timeout {route.timeout:g} s"] if route.timeout else []
    options += [f"retries {route.retries}"] if route.retries != Route(hosts=(), port=0).retries else []
    options += [f"and {by_name}"] if route.names else []
    return " ".join((f"{','.join(route.hosts)}{route.path}", f"port {route.port}", *options))


def _deploy(old: Deploy, new: Deploy) -> Told:
    if old.replicas != new.replicas:
        yield "replicas", str(old.replicas), str(new.replicas)
    yield from _each("limits", _resources(old.limits), _resources(new.limits), str)
    yield from _each("reservations", _resources(old.reservations), _resources(new.reservations), str)
    told = ("replicas", "limits", "reservations")
    yield from _each("deploy", _set(old, Deploy(), told), _set(new, Deploy(), told))


def _resources(resources: Resources) -> Mapping[str, object]:
    return _set(resources, Resources())


def _others(service: Service) -> Mapping[str, object]:
    return _set(service, Service(name=service.name), TOLD)


def _set(value: Deploy | Resources | Service, plain: object, told: Iterable[str] = ()) -> Mapping[str, object]:
    """The fields that are not as they are where nothing was written."""
    named = {name: getattr(value, name) for name in value.__struct_fields__ if name not in told}
    return {name: found for name, found in named.items() if found != getattr(plain, name)}
