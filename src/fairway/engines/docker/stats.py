"""What a container uses, as Docker counts it, on control groups of either version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fairway.engines.docker.observed import GONE, seconds
from fairway.model.usage import Sample
from fairway.net.client import Docker, DockerError

Json = Mapping[str, Any]


async def sample(docker: Docker, container: str) -> Sample | None:
    """One look, which Docker answers at once; None where the container is gone, or does not run."""
    try:
        said: Json = await docker.get(f"containers/{container}/stats", **{"stream": False, "one-shot": True})
    except DockerError as error:
        if error.status in GONE:
            return None
        raise
    return read(said)


def read(said: Json) -> Sample | None:
    """An answer of GET /containers/ID/stats; None of a container that does not run."""
    at = seconds(str(said.get("read") or ""))
    cpu = (said.get("cpu_stats") or {}).get("cpu_usage") or {}
    if not at or not cpu.get("total_usage"):
        return None
    networks = said.get("networks")
    blocks = (said.get("blkio_stats") or {}).get("io_service_bytes_recursive")
    memory = said.get("memory_stats") or {}
    return Sample(
        at=at,
        cpu=int(cpu["total_usage"]) / 1e9,
        memory=memory_used(memory),
        limit=int(memory["limit"]) if memory.get("limit") else None,
        received=_sum(network.get("rx_bytes") for network in networks.values()) if networks else None,
        sent=_sum(network.get("tx_bytes") for network in networks.values()) if networks else None,
        read=_blocks(blocks, "read"),
        written=_blocks(blocks, "write"),
        pids=(said.get("pids_stats") or {}).get("current"),
    )


def memory_used(memory: Json) -> int | None:
    """As `docker stats` counts it, without what the kernel can drop at once; None where nothing is counted."""
    if "usage" not in memory:
        return None
    counted = memory.get("stats") or {}
    droppable = counted.get("total_inactive_file", counted.get("inactive_file", 0))  # cgroup v1, v2
    return max(0, int(memory["usage"]) - int(droppable))


def _blocks(entries: Iterable[Json] | None, kind: str) -> int | None:
    """`Read` on cgroup v1, `read` on v2."""
    if entries is None:
        return None
    return _sum(entry.get("value") for entry in entries if str(entry.get("op", "")).lower() == kind)


def _sum(numbers: Iterable[int | None]) -> int:
    return sum(int(number or 0) for number in numbers)
