"""What runs on a host: how many containers, and what they reserve and use."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fairway.engines.docker.observed import GONE, inspect
from fairway.engines.docker.stats import memory_used as counted
from fairway.model.environment import Environment
from fairway.model.host_facts import Running
from fairway.net.client import Docker, DockerError
from fairway.render import names

Json = Mapping[str, Any]
AT_ONCE = 16
"""Containers that are asked about side by side."""
DOWN = ("created", "exited", "dead")
SHARES = 1024
"""The CPU shares that stand for one reserved CPU: `render.docker_limits` writes them so."""


async def running(docker: Docker, environment: Environment) -> Running:
    """One list call, then two calls for each container that runs."""
    listed: list[Json] = await docker.get("containers/json", all=True)
    up = [container for container in listed if container["State"] not in DOWN]
    ours = {names.APP: environment.app, names.ENVIRONMENT: environment.name}.items()
    gate = asyncio.Semaphore(AT_ONCE)

    async def look(container: Json) -> tuple[Json | None, int | None]:
        async with gate:
            identity = str(container["Id"])
            return await inspect(docker, identity), await memory_used(docker, identity)

    looked = await asyncio.gather(*map(look, up))
    there = [container for container, _ in looked if container]
    used = [memory for _, memory in looked if memory is not None]
    mine = sum(ours <= (container.get("Labels") or {}).items() for container in up)
    return Running(
        ours=mine,
        others=len(up) - mine,
        stopped=len(listed) - len(up),
        cpus=sum(map(reserved_cpus, there)),
        memory=sum(int(container["HostConfig"].get("MemoryReservation") or 0) for container in there),
        memory_used=sum(used) if used or not there else None,
        endless_logs=tuple(sorted(str(c["Name"]).removeprefix("/") for c in there if endless(c["HostConfig"]))),
    )


async def memory_used(docker: Docker, container: str) -> int | None:
    """As `docker stats` counts it, without what the kernel can drop at once. None where it is gone, or nothing is counted."""
    try:
        said = await docker.get(f"containers/{container}/stats", **{"stream": False, "one-shot": True})
    except DockerError as error:
        if error.status in GONE:
            return None
        raise
    return counted(said.get("memory_stats") or {})


def reserved_cpus(container: Json) -> float:
    """Shares are a reservation where Fairway wrote them; elsewhere they are a weight, and reserve nothing."""
    if names.APP not in (container["Config"].get("Labels") or {}):
        return 0.0
    return int(container["HostConfig"].get("CpuShares") or 0) / SHARES


def endless(host_config: Json) -> bool:
    """Whether its log is a file that grows for ever. Docker writes its own defaults into every container that it makes."""
    log = host_config.get("LogConfig") or {}
    return log.get("Type") == "json-file" and (log.get("Config") or {}).get("max-size") in (None, "", "-1")
