"""Containers made, started, stopped and removed. What is made here and does not start is removed here."""

from __future__ import annotations

import asyncio
from typing import Any

from fairway.engines.docker.errors import explained
from fairway.engines.docker.observed import GONE, inspect
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.net.client import Docker, DockerError
from fairway.render import names
from fairway.render.docker import Rendered

PATIENCE = 10.0
"""Seconds beyond the grace period before a container that will not stop is removed by force."""
DEFAULT_GRACE = 10.0
CONFLICT = 409


class Batch:
    """Containers that belong together: all of them start, or none stays. An async context manager.

    A creation once begun is never left half-way: whoever cancels waits for Docker's answer, and what was made is removed.
    """

    def __init__(self, docker: Docker, environment: Environment, host: str) -> None:
        self.docker = docker
        self.environment = environment
        self.host = host
        self._made: list[asyncio.Task[str]] = []

    async def __aenter__(self) -> Batch:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None:
            await asyncio.shield(asyncio.ensure_future(self._undo()))

    async def run(self, rendered: Rendered) -> None:
        """Make a container, join its networks, start it."""
        making = asyncio.ensure_future(create(self.docker, self.environment, self.host, rendered))
        self._made.append(making)
        container = await asyncio.shield(making)
        await start(self.docker, self.host, container, rendered.name)

    async def _undo(self) -> None:
        made = await asyncio.gather(*self._made, return_exceptions=True)
        containers = [container for container in made if isinstance(container, str)]
        await asyncio.gather(*(remove(self.docker, item) for item in containers), return_exceptions=True)


async def create(docker: Docker, environment: Environment, host: str, rendered: Rendered) -> str:
    with explained(host, f"{rendered.name} could not be made"):
        container = await _create(docker, environment, host, rendered)
        try:
            for network, endpoint in rendered.more_networks:
                await docker.post(f"networks/{network}/connect", {"Container": container, "EndpointConfig": endpoint})
        except BaseException:
            await remove(docker, container)
            raise
    return container


async def _create(docker: Docker, environment: Environment, host: str, rendered: Rendered) -> str:
    async def make() -> str:
        made = await docker.post("containers/create", rendered.body, name=rendered.name, platform=rendered.platform)
        return str(made["Id"])

    try:
        return await make()
    except DockerError as error:
        if error.status != CONFLICT:
            raise
        await _give_way(docker, environment, host, rendered.name)
        return await make()


async def _give_way(docker: Docker, environment: Environment, host: str, name: str) -> None:
    """Remove what has the name, if it is a replica of ours that does not run: the rest of an earlier attempt."""
    found = await inspect(docker, name)
    if found is None:
        return
    labels: dict[str, Any] = found["Config"].get("Labels") or {}
    ours = names.of_environment(environment, names.Kind.REPLICA).items() <= labels.items()
    if not ours or found["State"]["Running"]:
        raise EngineError(
            f"The name {name} is taken",
            where=host,
            why="another container has it" if not ours else "another replica has it, and runs",
            hint=f"docker rm {name}, or give the service another `container_name`" if not ours else "",
        )
    await remove(docker, found["Id"])


async def start(docker: Docker, host: str, container: str, name: str) -> None:
    with explained(host, f"{name} could not be started"):
        await docker.post(f"containers/{container}/start")


async def stop_and_remove(docker: Docker, host: str, container: str) -> str | None:
    """Ask it to stop, wait for its grace period, and remove it with its anonymous volumes; the volume of its files."""
    found = await inspect(docker, container)
    if found is None:
        return None
    if found["State"]["Running"] or found["State"].get("Restarting"):
        configured = found["Config"].get("StopTimeout")
        grace = DEFAULT_GRACE if configured is None else float(configured)
        try:
            async with asyncio.timeout(grace + PATIENCE):
                await docker.post(f"containers/{container}/stop")
        except TimeoutError:
            pass  # removed by force below
        except DockerError as error:
            if error.status not in GONE:
                raise
    with explained(host, f"{found['Name'].removeprefix('/')} could not be removed"):
        await remove(docker, container)
    return (found["Config"].get("Labels") or {}).get(names.FILES)


async def remove(docker: Docker, container: str) -> None:
    """By force, with its anonymous volumes; nothing where it is gone."""
    try:
        await docker.delete(f"containers/{container}", force=True, v=True)
    except DockerError as error:
        if error.status not in GONE:
            raise
