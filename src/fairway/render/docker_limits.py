"""What a container may use: CPU, memory, pids, devices, block I/O, as fields of Docker's HostConfig."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fairway.model.app import Device, Service

Json = dict[str, Any]

UNLIMITED_COUNT = -1
"""All devices, in a device request."""


def limits(service: Service) -> Json:
    """HostConfig fields; None where nothing was said."""
    limits, reserved = service.deploy.limits, service.deploy.reservations
    shares = service.cpu_shares
    if shares is None and reserved.cpus:
        # What an engine without a scheduler can do for a reservation: its share when the CPUs are contended.
        shares = max(2, round(reserved.cpus * 1024))
    return {
        "NanoCpus": round(limits.cpus * 1e9) if limits.cpus else None,
        "Memory": limits.memory,
        "MemoryReservation": reserved.memory,
        "MemorySwap": service.memswap_limit,
        "MemorySwappiness": service.mem_swappiness,
        "PidsLimit": limits.pids,
        "CpuShares": shares,
        "CpuPeriod": service.cpu_period,
        "CpuQuota": service.cpu_quota,
        "CpuRealtimePeriod": service.cpu_rt_period,
        "CpuRealtimeRuntime": service.cpu_rt_runtime,
        "CpusetCpus": service.cpuset,
        "OomKillDisable": service.oom_kill_disable or None,
        "OomScoreAdj": service.oom_score_adj,
        "ShmSize": service.shm_size,
        "StorageOpt": dict(service.storage_opt),
        "Ulimits": [{"Name": u.name, "Soft": u.soft, "Hard": u.hard} for u in service.ulimits],
        **devices(service),
        **blkio(service.blkio_config),
    }


def devices(service: Service) -> Json:
    plain = [device for device in service.devices if not _cdi(device)]
    requests = [device_request(wanted) for wanted in (*service.gpus, *service.deploy.reservations.devices)]
    named = [device.source for device in service.devices if _cdi(device)]
    if named:
        requests.append({"Driver": "cdi", "DeviceIDs": named})
    return {
        "Devices": [
            {"PathOnHost": d.source, "PathInContainer": d.target, "CgroupPermissions": d.permissions} for d in plain
        ],
        "DeviceCgroupRules": list(service.device_cgroup_rules),
        "DeviceRequests": requests,
    }


def _cdi(device: Device) -> bool:
    """`vendor.com/class=name`, a name of the Container Device Interface, is no path."""
    return not device.source.startswith("/") and "=" in device.source


def device_request(wanted: Mapping[str, Any]) -> Json:
    """A GPU or another reserved device, as Docker asks a driver for it."""
    ids = list(wanted.get("device_ids") or ())
    count = wanted.get("count")
    everything = 0 if ids else UNLIMITED_COUNT
    number = everything if count in (None, "all") else int(count)
    options = wanted.get("options") or {}
    capabilities = list(wanted.get("capabilities") or ["gpu"])
    return {
        "Driver": str(wanted.get("driver") or ""),
        "Count": number,
        "DeviceIDs": ids or None,
        "Capabilities": [capabilities],
        "Options": {str(key): str(value) for key, value in options.items()},
    }


RATES = {
    "device_read_bps": "BlkioDeviceReadBps",
    "device_write_bps": "BlkioDeviceWriteBps",
    "device_read_iops": "BlkioDeviceReadIOps",
    "device_write_iops": "BlkioDeviceWriteIOps",
}
UNITS = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def blkio(config: Mapping[str, Any]) -> Json:
    weights: Iterable[Mapping[str, Any]] = config.get("weight_device") or ()
    return {
        "BlkioWeight": int(config["weight"]) if config.get("weight") is not None else None,
        "BlkioWeightDevice": [{"Path": item["path"], "Weight": int(item["weight"])} for item in weights],
        **{
            field: [{"Path": item["path"], "Rate": _rate(item["rate"])} for item in config.get(key) or ()]
            for key, field in RATES.items()
        },
    }


def _rate(value: int | str) -> int:
    """Operations or bytes a second; sizes such as `12mb` count in powers of 1024."""
    text = str(value).strip().lower().removesuffix("b").removesuffix("i")
    if text and text[-1] in UNITS:
        return round(float(text[:-1]) * UNITS[text[-1]])
    return round(float(text))
