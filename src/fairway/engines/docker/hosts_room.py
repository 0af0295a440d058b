"""The disk of a host: what Docker takes of it, and, where somebody can be asked, what is free."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from typing import Any

from fairway.engines.docker.keeper import LEDGER
from fairway.engines.docker.observed import GONE
from fairway.model.host_facts import Room
from fairway.net.client import Docker, DockerError
from fairway.net.process import output
from fairway.render import names

Json = Mapping[str, Any]


async def disk_used(docker: Docker) -> int:
    """As `docker system df` counts: layers once, what containers have written, volumes, and the build cache."""
    said: Json = await docker.get("system/df")
    volumes = (volume.get("UsageData") or {} for volume in said.get("Volumes") or ())
    cache = (record for record in said.get("BuildCache") or () if not record.get("Shared"))
    return (
        int(said.get("LayersSize") or 0)
        + _sum(container.get("SizeRw") for container in said.get("Containers") or ())
        + _sum(volume.get("Size") for volume in volumes)
        + _sum(record.get("Size") for record in cache)
    )


def _sum(sizes: Iterable[int | None]) -> int:
    """Without those that Docker does not know: it says -1."""
    return sum(max(0, size or 0) for size in sizes)


async def room(docker: Docker, info: Json, address: str) -> Room | None:
    """Docker's API does not tell it: asked is the keeper of the ledger, whose volume lies there, or this machine, if it is the host."""
    return await _by_keeper(docker) or (_here(str(info.get("DockerRootDir") or "")) if _ours(info, address) else None)


async def _by_keeper(docker: Docker) -> Room | None:
    """None where there is no keeper that runs and has `stat`."""
    try:
        _, said = await output(docker, names.KEEPER, ["stat", "-f", "-c", "%S %b %a", LEDGER])
    except DockerError as error:
        if error.status in GONE:
            return None
        raise
    numbers = said.split()
    if len(numbers) != 3 or not all(number.isdigit() for number in numbers):
        return None
    block, blocks, left = map(int, numbers)
    return Room(free=block * left, size=block * blocks)


def _ours(info: Json, address: str) -> bool:
    """Whether that engine runs on this machine: a socket may be the end of a tunnel, so all that can be compared has to agree."""
    here = os.uname()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    said = (info.get("Name"), info.get("KernelVersion"), info.get("MemTotal"))
    return address.startswith("unix://") and said == (socket.gethostname(), here.release, memory)


def _here(root: str) -> Room | None:
    try:
        found = os.statvfs(root)
    except OSError:
        return None
    return Room(free=found.f_frsize * found.f_bavail, size=found.f_frsize * found.f_blocks)
