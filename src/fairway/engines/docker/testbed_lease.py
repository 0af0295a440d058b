"""A test project lives as long as the process that made it: even one that is killed leaves nothing for long."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Coroutine
from contextlib import asynccontextmanager, closing, suppress
from typing import Any

from fairway.engines.common.together import unbroken
from fairway.engines.docker.observed import inspected, seconds
from fairway.model.environment import Environment
from fairway.net.client import Docker, DockerError
from fairway.net.docker import host_time
from fairway.net.errors import translated
from fairway.render import names

PREFIX = "test."
"""With a dot: no environment in a settings file can have such a name."""
YOUNG = 60.0
"""Seconds in which a lease that was made is started too, unless its maker died in between."""


@asynccontextmanager
async def held(docker: Docker, environment: Environment, image: str, host: str) -> AsyncIterator[None]:
    """A container that ends with our connection to its standard input. `image` has `cat`."""
    body: dict[str, Any] = {
        "Image": image,
        "Entrypoint": ["cat"],
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "Labels": names.of_environment(environment, names.Kind.LEASE),
        "HostConfig": {"AutoRemove": True, "NetworkMode": "none"},
    }
    with translated(host, "A test project could not be opened"):
        making = asyncio.ensure_future(docker.post("containers/create", body, name=names.lease(environment)))
        try:
            container = (await asyncio.shield(making))["Id"]
            attached = {"stream": True, "stdin": True, "stdout": True}
            with closing(await docker.hijack(f"containers/{container}/attach", attached)):
                await docker.post(f"containers/{container}/start")
                yield
        finally:
            with suppress(DockerError):
                await unbroken(_discard(docker, making))


async def _discard(docker: Docker, making: asyncio.Future[dict[str, Any]]) -> None:
    """Whoever was cancelled while Docker made it has it made all the same."""
    await docker.delete(f"containers/{(await making)['Id']}", force=True)


async def sweep(docker: Docker, host: str) -> None:
    """Remove the test projects whose process is gone."""
    with translated(host, "What an earlier test has left could not be removed"):
        alive: set[Environment] = set()
        seen: set[Environment] = set()
        for container in await inspected(docker, {names.KIND: names.Kind.LEASE.value}):
            environment = _environment(container["Config"].get("Labels") or {})
            age = host_time(docker) - seconds(container["Created"])
            fresh = age < YOUNG and container["State"]["Status"] == "created"
            (alive if container["State"]["Running"] or fresh else seen).add(environment)
        seen |= await _known(docker)
        for environment in seen - alive:
            if environment.name.startswith(PREFIX):
                await remove(docker, environment)


async def remove(docker: Docker, environment: Environment) -> None:
    """Everything that bears the environment's labels, by force: containers first, then what they held on to."""
    labels = {names.APP: environment.app, names.ENVIRONMENT: environment.name}
    filters = {"label": names.label_filter(labels)}
    containers = await docker.get("containers/json", all=True, filters=filters)
    mine = [container["Id"] for container in containers if container["Labels"].get(names.KIND) != names.Kind.LEASE]
    await _all(docker.delete(f"containers/{container}", force=True, v=True) for container in mine)
    volumes = await docker.get("volumes", filters=filters)
    await _all(docker.delete(f"volumes/{volume['Name']}") for volume in volumes.get("Volumes") or ())
    networks = await docker.get("networks", filters=filters)
    await _all(docker.delete(f"networks/{network['Id']}") for network in networks)


async def _known(docker: Docker) -> set[Environment]:
    """The test projects that anything on the host belongs to."""
    filters = {"label": [names.ENVIRONMENT]}
    containers, volumes, networks = await asyncio.gather(
        docker.get("containers/json", all=True, filters=filters),
        docker.get("volumes", filters=filters),
        docker.get("networks", filters=filters),
    )
    labels = [found["Labels"] for found in (*containers, *(volumes.get("Volumes") or ()), *networks)]
    return {_environment(found) for found in labels if re.match(re.escape(PREFIX), found[names.ENVIRONMENT])}


def _environment(labels: dict[str, str]) -> Environment:
    return Environment(labels.get(names.APP, ""), labels.get(names.ENVIRONMENT, ""))


async def _all(work: Collection[Coroutine[Any, Any, Any]] | Any) -> None:
    """All of them; what is gone already, or about to be, is no failure."""
    for result in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(result, DockerError) and result.status not in (404, 409):
            raise result
        if isinstance(result, BaseException) and not isinstance(result, DockerError):
            raise result
