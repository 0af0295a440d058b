"""Volumes in memory: what is in one lasts as long as a container mounts it, so one that does nothing else does that."""

from __future__ import annotations

from typing import Any

from fairway.engines.docker.observed import inspect
from fairway.engines.docker.replicas import remove
from fairway.engines.docker.small import confined
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.net.client import Docker, DockerError
from fairway.render import names

LEAST = 16 << 20
"""Bytes that may be in one; what is not there takes no memory."""


def is_memory(environment: Environment, volume: str) -> bool:
    return volume.startswith(names.files(environment, "", "memory"))


def options(size: int) -> dict[str, str]:
    """DriverOpts. The directory is root's; each file in it is mounted by itself."""
    return {"type": "tmpfs", "device": "tmpfs", "o": f"size={max(LEAST, 2 * size)},mode=0700,noexec,nosuid,nodev"}


async def hold(docker: Docker, environment: Environment, host: str, volume: str, image: str) -> None:
    """The volume is mounted from now on. `image` has `sleep`; the container has the volume's name."""
    if not image:
        raise EngineError("Secrets cannot be kept in memory here", where=host)
    found = await inspect(docker, volume)
    if found is None:
        await _create(docker, environment, volume, image)
    if found is None or not found["State"]["Running"]:
        await docker.post(f"containers/{volume}/start")


async def held(docker: Docker, volume: str) -> bool:
    found = await inspect(docker, volume)
    return bool(found and found["State"]["Running"])


async def let_go(docker: Docker, volume: str) -> None:
    await remove(docker, volume)


async def _create(docker: Docker, environment: Environment, volume: str, image: str) -> None:
    mount: dict[str, Any] = {"Type": "volume", "Source": volume, "Target": "/held", "ReadOnly": True}
    mount["VolumeOptions"] = {"NoCopy": True}
    labels = names.of_environment(environment, names.Kind.MEMORY)
    restart = {"Name": "always"}
    body = confined(image, ["sleep", "infinity"], labels, Mounts=[mount], RestartPolicy=restart)
    try:
        await docker.post("containers/create", body, name=volume)
    except DockerError as error:
        if error.status != 409:  # another deployer was faster
            raise
