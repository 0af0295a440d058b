"""One service → Service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairway.compose.node import Node
from fairway.compose.normalise.build import build_spec, hosts
from fairway.compose.normalise.deploy import deploy, device_request
from fairway.compose.normalise.environment import environment, labels
from fairway.compose.normalise.fields import Fields, given
from fairway.compose.normalise.lifecycle import dependencies, healthcheck, restart
from fairway.compose.normalise.mounts import devices, file_mounts, mounts, port_list
from fairway.compose.normalise.networks import attachments
from fairway.compose.ports import port_range
from fairway.compose.scalars import duration, size, text, whole
from fairway.compose.sources import Project
from fairway.model.app import Logging, Service, Ulimit

_TEXTS = (
    *("image", "network_mode", "container_name", "hostname", "domainname", "mac_address", "user", "working_dir"),
    *("stop_signal", "userns_mode", "ipc", "pid", "uts", "cgroup", "cgroup_parent", "isolation", "runtime"),
    *("platform", "pull_policy", "cpuset"),
)
_FLAGS = ("stdin_open", "tty", "privileged", "read_only", "oom_kill_disable", "init")
_WHOLES = ("cpu_shares", "cpu_period", "cpu_quota", "mem_swappiness", "oom_score_adj")
_SIZES = ("shm_size", "memswap_limit")
_LISTS = (
    *("cap_add", "cap_drop", "security_opt", "group_add", "dns", "dns_search", "dns_opt", "device_cgroup_rules"),
    *("links", "external_links", "volumes_from", "profiles"),
)
_TABLES = ("annotations", "sysctls", "storage_opt")
_OTHERS = (
    *("build", "command", "entrypoint", "environment", "env_file", "labels", "label_file", "ports", "expose"),
    *("volumes", "tmpfs", "networks", "depends_on", "healthcheck", "deploy", "restart", "secrets", "configs"),
    *("stop_grace_period", "ulimits", "devices", "gpus", "extra_hosts", "logging", "blkio_config"),
    *("cpu_rt_period", "cpu_rt_runtime", "scale", "cpus", "mem_limit", "mem_reservation", "pids_limit", "extends"),
)
_KNOWN = frozenset((*_TEXTS, *_FLAGS, *_WHOLES, *_SIZES, *_LISTS, *_TABLES, *_OTHERS))


def service(fields: Fields, name: str, project: Project) -> Service:
    """The service, normalised; `fields` is its canonical mapping."""
    return Service(
        name=name,
        build=build_spec(fields.child("build"), project.directory) if fields.has("build") else None,
        command=_command(fields, "command"),
        entrypoint=_command(fields, "entrypoint"),
        environment=environment(fields, project),
        labels=labels(fields, project),
        ports=port_list(fields),
        expose=_expose(fields),
        volumes=mounts(fields),
        networks=attachments(fields),
        depends_on=dependencies(fields),
        healthcheck=healthcheck(fields),
        deploy=deploy(fields),
        restart=restart(fields),
        secrets=file_mounts(fields, "secrets"),
        configs=file_mounts(fields, "configs"),
        ulimits=_ulimits(fields),
        devices=devices(fields),
        gpus=tuple(_gpu(one) for one in fields.children("gpus")),
        extra_hosts=hosts(fields),
        logging=Logging(
            driver=fields.child("logging").text("driver"), options=fields.child("logging").table("options")
        ),
        blkio_config=_blkio(fields.child("blkio_config")),
        extra=fields.rest(_KNOWN),
        **given(
            stop_grace_period=fields.duration("stop_grace_period"),
            cpu_rt_period=fields.read("cpu_rt_period", _microseconds),
            cpu_rt_runtime=fields.read("cpu_rt_runtime", _microseconds),
            **{key: fields.text(key) for key in _TEXTS},
            **{key: fields.flag(key) for key in _FLAGS},
            **{key: fields.whole(key) for key in _WHOLES},
            **{key: fields.size(key) for key in _SIZES},
            **{key: fields.texts(key) for key in _LISTS},
            **{key: fields.table(key) for key in _TABLES},
        ),
    )


def _command(fields: Fields, key: str) -> tuple[str, ...] | None:
    """None keeps the image's; () empties it."""
    return fields.texts(key) if fields.has(key) else None


def _expose(fields: Fields) -> tuple[str, ...]:
    def convert(node: Node) -> str:
        written = text(node)
        port_range(written.partition("/")[0])
        return written

    expose = fields.child("expose").node
    found = [fields.convert(one, convert, "expose", str(i)) for i, one in enumerate(expose.elements if expose else [])]
    return tuple(dict.fromkeys(one for one in found if one))


def _ulimits(fields: Fields) -> tuple[Ulimit, ...]:
    found = []
    for name, limit in fields.entries("ulimits"):
        if limit.node and isinstance(limit.node.value, dict):
            limit.required("soft"), limit.required("hard")
            soft, hard = limit.whole("soft"), limit.whole("hard")
        else:
            soft = hard = limit.convert(limit.node, whole) if limit.node else None
        if soft is not None and hard is not None:
            found.append(Ulimit(name=name, soft=soft, hard=hard))
    return tuple(found)


def _gpu(fields: Fields) -> Mapping[str, Any]:
    """A device request that has the capability gpu, said or not."""
    request = dict(device_request(fields))
    named = request.get("capabilities", [])
    return request | {"capabilities": named if "gpu" in named else [*named, "gpu"]}


def _microseconds(node: Node) -> int:
    written = text(node)
    return whole(node) if written.lstrip("-").isdigit() else round(duration(node) * 1_000_000)


def _blkio(fields: Fields) -> Mapping[str, Any]:
    """The devices' rates as numbers."""
    found: dict[str, Any] = given(weight=fields.whole("weight"))
    if fields.has("weight_device"):
        weights = fields.children("weight_device")
        found["weight_device"] = [given(path=one.required("path"), weight=one.whole("weight")) for one in weights]
    for key in ("device_read_bps", "device_write_bps", "device_read_iops", "device_write_iops"):
        if fields.has(key):
            unit = size if key.endswith("bps") else whole
            rates = fields.children(key)
            found[key] = [given(path=one.required("path"), rate=one.read("rate", unit)) for one in rates]
    return found
