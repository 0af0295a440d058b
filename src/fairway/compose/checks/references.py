"""Names that a service uses must be defined."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fairway.compose.checks.case import Case
from fairway.compose.words import closest
from fairway.model.app import Path, Service

_SECTIONS = {"network": "networks", "volume": "volumes", "secret": "secrets", "config": "configs", "model": "models"}


def check_references(case: Case) -> None:
    defined: dict[str, Collection[str]] = {
        "network": case.app.networks,
        "volume": case.app.volumes,
        "secret": case.app.secrets,
        "config": case.app.configs,
        "model": case.app.extensions.get("models") or {},
    }
    for service in case.app.services.values():
        for kind, name, path in _used(service):
            section = _SECTIONS[kind]
            if name not in defined[kind] and not case.problems.spoilt((section, name)):
                hint = closest(name, defined[kind]) or f"define it under the top-level `{section}:`"
                if kind == "volume" and "/" in name:
                    bind = "`type: bind`" if name.startswith((".", "/", "~")) else f"./{name}"
                    hint = f"for a directory of the host write {bind}"
                case.tell(f"there is no {kind} `{name}`", *path, hint=hint)


def _used(service: Service) -> Iterator[tuple[str, str, Path]]:
    """What is used: its kind, its name, and where."""
    path = ("services", service.name)
    for name in service.networks:
        yield "network", name, (*path, "networks", name)
    for index, mount in enumerate(service.volumes):
        if mount.type in ("volume", "cluster") and mount.source:
            yield "volume", mount.source, (*path, "volumes", str(index))
    build = service.build.secrets if service.build else ()
    for kind, files, place in (
        ("secret", service.secrets, ("secrets",)),
        ("config", service.configs, ("configs",)),
        ("secret", build, ("build", "secrets")),
    ):
        for index, file in enumerate(files):
            if file.source:
                yield kind, file.source, (*path, *place, str(index))
    if config := (service.extra.get("credential_spec") or {}).get("config"):
        yield "config", config, (*path, "credential_spec", "config")
    for name in service.extra.get("models") or ():
        yield "model", name, (*path, "models", name)
