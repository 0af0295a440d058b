"""The containers that another one shares a namespace or volumes with."""

from __future__ import annotations

from collections.abc import Mapping

from fairway.engines.docker import observed
from fairway.model.app import Service
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.model.fleet import State
from fairway.model.release import Release
from fairway.net.client import Docker
from fairway.render import docker as render


async def peers(
    docker: Docker, environment: Environment, host: str, release: Release, service: Service
) -> Mapping[str, str]:
    """The running container behind each service that it needs. Raises EngineError where there is none."""
    wanted = render.peers(service)
    if not wanted:
        return {}
    replicas = await observed.replicas(docker, environment, host)
    found: dict[str, str] = {}
    for name in wanted:
        revision = release.revisions[name]
        running = [r.id for r in replicas if r.revision == revision and r.state is State.RUNNING]
        if not running:
            raise EngineError(
                f"{service.name} shares what {name} has, and no {revision} runs",
                where=host,
                hint=f"add {name} to `depends_on` of {service.name}",
            )
        found[name] = running[0]
    return found
