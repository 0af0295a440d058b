"""Everything of an environment removed, but its ledger, and its volumes unless told so."""

from __future__ import annotations

from collections.abc import Sequence

from fairway.engines.common.together import together
from fairway.engines.docker.observed import listed
from fairway.engines.docker.replicas import stop_and_remove
from fairway.model.environment import Environment
from fairway.net.client import Docker, DockerError
from fairway.render.names import Kind, label_filter, of_environment

IN_USE = (403, 404, 409)
"""Gone already, or kept by a container that is not ours to remove."""


async def down(docker: Docker, environment: Environment, host: str, *, volumes: bool) -> tuple[str, ...]:
    """The names of what went. A network that somebody else's container is on stays."""
    gone = await _containers(docker, environment, host)
    gone += await _networks(docker, environment)
    for kind in (Kind.FILES, Kind.VOLUME) if volumes else (Kind.FILES,):
        gone += await _volumes(docker, environment, kind)
    return tuple(gone)


def _filters(environment: Environment, kind: Kind) -> dict[str, Sequence[str]]:
    return {"label": label_filter(of_environment(environment, kind))}


async def _containers(docker: Docker, environment: Environment, host: str) -> list[str]:
    found = [
        container
        for kind in (Kind.REPLICA, Kind.NAME, Kind.ONCE, Kind.JOB, Kind.FILES, Kind.MEMORY, Kind.ORDER, Kind.DRAINED)
        for container in await listed(docker, of_environment(environment, kind))
    ]
    await together(stop_and_remove(docker, host, container["Id"]) for container in found)
    return sorted(container["Names"][0].removeprefix("/") for container in found)


async def _networks(docker: Docker, environment: Environment) -> list[str]:
    found = await docker.get("networks", filters=_filters(environment, Kind.NETWORK))
    return [network["Name"] for network in found if await _removed(docker, f"networks/{network['Id']}")]


async def _volumes(docker: Docker, environment: Environment, kind: Kind) -> list[str]:
    listed = await docker.get("volumes", filters=_filters(environment, kind))
    found = [volume["Name"] for volume in listed["Volumes"] or ()]
    return [name for name in sorted(found) if await _removed(docker, f"volumes/{name}")]


async def _removed(docker: Docker, path: str) -> bool:
    try:
        await docker.delete(path)
    except DockerError as error:
        if error.status in IN_USE:
            return False
        raise
    return True
