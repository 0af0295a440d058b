"""Things that only one service can have: a published port, a container's name, a resource's name."""

from __future__ import annotations

from collections.abc import Mapping

from fairway.compose.checks.case import Case
from fairway.model.app import Network, Path, Port, Service
from fairway.model.files import FileObject, Volume

_ANY = frozenset((None, "0.0.0.0", "::"))  # noqa: S104 (compared, never bound)


def check_conflicts(case: Case) -> None:
    _check_ports(case)
    _check_container_names(case)
    app = case.app
    sections: dict[str, Mapping[str, Network | Volume | FileObject]] = {
        "networks": app.networks,
        "volumes": app.volumes,
        "configs": app.configs,
        "secrets": app.secrets,
    }
    for section, resources in sections.items():
        _check_names(case, section, resources)


def _check_ports(case: Case) -> None:
    """Services that the engine may put on one host cannot publish one port twice."""
    taken: dict[tuple[int, str], list[tuple[Service, Port]]] = {}
    for service in case.active:
        for index, port in enumerate(service.ports):
            if port.published is None or port.published_to is not None:
                continue
            others = taken.setdefault((port.published, port.protocol), [])
            other = next((one for one, theirs in others if _overlap(theirs.host_ip, port.host_ip)), None)
            if other:
                whom = "this service" if other is service else f"the service `{other.name}`"
                path: Path = ("services", service.name, "ports", str(index))
                case.tell(f"port {port.published}/{port.protocol} is already published by {whom}", *path)
            others.append((service, port))


def _overlap(one: str | None, other: str | None) -> bool:
    return one == other or one in _ANY or other in _ANY


def _check_container_names(case: Case) -> None:
    owners: dict[str, str] = {}
    for service in case.active:
        name = service.container_name
        if name and owners.setdefault(name, service.name) != service.name:
            what = f"the service `{owners[name]}` has the container name `{name}` as well"
            case.tell(what, "services", service.name, "container_name")


def _check_names(case: Case, section: str, resources: Mapping[str, Network | Volume | FileObject]) -> None:
    owners: dict[str, str] = {}
    for key, resource in resources.items():
        named = case.document.find(section, key, "name")
        if named and resource.name and not resource.external and owners.setdefault(resource.name, key) != key:
            what = f"`{owners[resource.name]}` has the name `{resource.name}` as well"
            case.tell(what, section, key, "name")
