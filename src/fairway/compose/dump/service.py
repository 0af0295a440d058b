"""Service → Compose data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairway.compose.dump.deploy import deploy
from fairway.compose.dump.values import compact, duration, size
from fairway.model.app import Attachment, BuildSpec, Healthcheck, Port, Service
from fairway.model.deploy import RestartPolicy
from fairway.model.files import FileMount, Mount

_AS_THEY_ARE = (
    *("image", "command", "entrypoint", "labels", "annotations", "expose", "network_mode", "profiles"),
    *("container_name", "hostname", "domainname", "mac_address", "user", "group_add", "working_dir", "stdin_open"),
    *("tty", "stop_signal", "cap_add", "cap_drop", "security_opt", "privileged", "read_only", "userns_mode"),
    *("ipc", "pid", "uts", "cgroup", "cgroup_parent", "isolation", "runtime", "platform", "pull_policy", "sysctls"),
    *("device_cgroup_rules", "gpus", "dns", "dns_search", "dns_opt", "links", "external_links", "volumes_from"),
    *("shm_size", "storage_opt", "cpu_shares", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime"),
    *("cpuset", "memswap_limit", "mem_swappiness", "oom_kill_disable", "oom_score_adj", "blkio_config"),
)
_EVEN_IF_EMPTY = ("command", "entrypoint", "init")


def service(one: Service) -> dict[str, Any]:
    data = compact(
        {
            "build": build(one.build) if one.build else None,
            **{key: getattr(one, key) for key in _AS_THEY_ARE},
            "environment": one.environment,
            "ports": [_port(port) for port in one.ports],
            "volumes": [_mount(mount) for mount in one.volumes if not mount.options],
            "tmpfs": [_tmpfs(mount) for mount in one.volumes if mount.options],
            "healthcheck": _healthcheck(one.healthcheck),
            "deploy": deploy(one.deploy),
            "restart": _restart(one.restart),
            "secrets": [_file_mount(mount) for mount in one.secrets],
            "configs": [_file_mount(mount) for mount in one.configs],
            "stop_grace_period": duration(one.stop_grace_period),
            "ulimits": {limit.name: {"soft": limit.soft, "hard": limit.hard} for limit in one.ulimits},
            "devices": [{"source": d.source, "target": d.target, "permissions": d.permissions} for d in one.devices],
            "extra_hosts": _hosts(one.extra_hosts),
            "logging": compact({"driver": one.logging.driver, "options": one.logging.options}),
        }
    )
    for key in _EVEN_IF_EMPTY:
        value = getattr(one, key)
        if value is not None:
            data[key] = list(value) if isinstance(value, tuple) else value
    if one.healthcheck:
        data.setdefault("healthcheck", {})
    data |= _relations(one)
    return data | dict(one.extra)


def _relations(one: Service) -> dict[str, Any]:
    depends_on = {
        name: {"condition": needed.condition, "required": needed.required, "restart": needed.restart}
        for name, needed in one.depends_on.items()
    }
    networks = {name: _attachment(attachment) for name, attachment in one.networks.items()}
    return {key: value for key, value in (("depends_on", depends_on), ("networks", networks)) if value}


def build(one: BuildSpec) -> dict[str, Any]:
    known = ("context", "dockerfile", "dockerfile_inline", "target", "labels", "cache_from", "cache_to", "platforms")
    others = ("additional_contexts", "tags", "network", "no_cache", "pull", "privileged")
    data = compact(
        {
            **{key: getattr(one, key) for key in (*known, *others)},
            "args": one.args,
            "secrets": [_file_mount(mount) for mount in one.secrets],
            "ssh": list(one.ssh),
            "extra_hosts": _hosts(one.extra_hosts),
            "shm_size": size(one.shm_size),
        }
    )
    return data | dict(one.extra)


def _hosts(hosts: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for host in hosts:
        name, _, address = host.partition(":")
        found.setdefault(name, []).append(address)
    return found


def _port(port: Port) -> dict[str, Any]:
    published = f"{port.published}-{port.published_to}" if port.published_to else port.published
    fields = {key: getattr(port, key) for key in ("name", "mode", "host_ip", "target")}
    rest = {"protocol": port.protocol, "app_protocol": port.app_protocol}
    return compact(fields | {"published": str(published) if published else None} | rest)


def _mount(mount: Mount) -> dict[str, Any]:
    bind = compact({key: getattr(mount, key) for key in ("propagation", "recursive", "selinux")})
    if mount.type == "bind" or not mount.create_host_path:
        bind["create_host_path"] = mount.create_host_path
    volume = compact({"nocopy": mount.nocopy, "labels": mount.labels})
    if mount.subpath:
        (bind if mount.type == "bind" else volume)["subpath"] = mount.subpath
    tmpfs = {key: value for key, value in (("size", size(mount.size)), ("mode", _octal(mount.mode))) if value}
    groups: Mapping[str, Any] = {"bind": bind, "volume": volume, "tmpfs": tmpfs}
    if mount.type == "image":
        groups = {"image": compact({"subpath": mount.subpath})}
    fields = {key: getattr(mount, key) for key in ("type", "source", "target", "read_only", "consistency")}
    return compact({**fields, **groups})


def _tmpfs(mount: Mount) -> str:
    known = {"size": size(mount.size), "mode": f"{mount.mode:o}" if mount.mode is not None else None}
    options = [f"{key}={value}" for key, value in known.items() if value is not None]
    return f"{mount.target}:{','.join([*options, *mount.options])}"


def _octal(mode: int | None) -> str | None:
    """A string, because every reader takes that for octal."""
    return None if mode is None else f"0{mode:o}"


def _file_mount(mount: FileMount) -> dict[str, Any]:
    fields = {key: getattr(mount, key) for key in ("source", "target", "uid", "gid")}
    return compact({**fields, "mode": _octal(mount.mode)})


def _attachment(one: Attachment) -> dict[str, Any] | None:
    fields = (
        "aliases",
        "ipv4_address",
        "ipv6_address",
        "link_local_ips",
        "mac_address",
        "driver_opts",
        "interface_name",
    )
    data = compact({key: getattr(one, key) for key in fields})
    data |= {key: getattr(one, key) for key in ("priority", "gw_priority") if getattr(one, key)}
    if one.use_service_name_alias is not None:
        data["use_service_name_alias"] = one.use_service_name_alias
    return data or None


def _healthcheck(check: Healthcheck | None) -> dict[str, Any] | None:
    if not check:
        return None
    times = ("interval", "timeout", "start_period", "start_interval")
    return compact(
        {
            "test": check.test,
            "retries": check.retries,
            "disable": check.disable,
            **{k: duration(getattr(check, k)) for k in times},
        }
    )


def _restart(policy: RestartPolicy | None) -> str | None:
    if not policy:
        return None
    if policy.condition == "on-failure":
        return "on-failure" if policy.max_attempts is None else f"on-failure:{policy.max_attempts}"
    return "no" if policy.condition == "none" else "unless-stopped" if policy.stays_stopped else "always"
