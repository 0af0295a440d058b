"""App → Compose data in long form, which loads to an equal App again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairway.compose.dump.service import service
from fairway.compose.dump.values import compact, escaped, plain
from fairway.model.app import App, Network
from fairway.model.files import FileObject, Volume


def to_compose(app: App) -> dict[str, Any]:
    """The normalised application as Compose data: dicts, lists, strings, numbers; absolute paths; `$` doubled."""
    data = {
        "name": app.name,
        "services": {name: service(one) for name, one in app.services.items()},
        "networks": {key: _network(one) for key, one in app.networks.items()},
        "volumes": {key: _volume(one) for key, one in app.volumes.items()},
        "configs": {key: _file_object(one, key) for key, one in app.configs.items()},
        "secrets": {key: _file_object(one, key) for key, one in app.secrets.items()},
    }
    kept = {key: value for key, value in data.items() if value}
    result: dict[str, Any] = escaped(plain(kept | dict(app.extensions)))
    return result


def _network(one: Network) -> dict[str, Any]:
    ipam = compact({"driver": one.ipam_driver, "config": one.ipam, "options": one.ipam_options})
    fields = {key: getattr(one, key) for key in ("external", "driver", "driver_opts", "internal", "attachable")}
    data = compact({"name": _own_name(one), **fields, "ipam": ipam, "labels": one.labels})
    switches: Mapping[str, bool | None] = {"enable_ipv4": one.enable_ipv4, "enable_ipv6": one.enable_ipv6}
    return data | {key: value for key, value in switches.items() if value is not None}


def _volume(one: Volume) -> dict[str, Any]:
    fields = {key: getattr(one, key) for key in ("external", "driver", "driver_opts", "labels")}
    return compact({"name": _own_name(one), **fields})


def _own_name(one: Network | Volume) -> str | None:
    return None if one.external and one.name == one.key else one.name


def _file_object(one: FileObject, key: str) -> dict[str, Any]:
    fields = ("file", "environment", "external", "labels", "driver", "driver_opts", "template_driver")
    data = compact({"name": one.name if one.name != key else None, **{key: getattr(one, key) for key in fields}})
    return data | ({"content": one.content} if one.content is not None else {})
