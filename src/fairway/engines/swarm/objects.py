"""What a service needs to be there before it: networks, configs and secrets. Each is made once, and found by its name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from fairway.engines.common.together import together
from fairway.engines.swarm.nodes import SWARM
from fairway.model.app import Service
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.model.release import Release
from fairway.net.client import DockerError
from fairway.net.managers import Managers
from fairway.render import names, swarm, swarm_names
from fairway.render.docker_networks import declared, joined
from fairway.render.swarm_files import SwarmFile, files

TAKEN = 409


class Objects:
    def __init__(self, managers: Managers, environment: Environment) -> None:
        self.managers = managers
        self.environment = environment

    async def prepare(
        self, release: Release, service: Service, secrets: Mapping[str, bytes], *, met: bool
    ) -> list[tuple[SwarmFile, str]]:
        """All of them are there; the files, each with its id."""
        wanted = files(release, service, secrets)
        keys = [key for key, _ in joined(service)]
        found, _ = await asyncio.gather(
            together(self._file(release, file) for file in wanted),
            together([*(self._network(release, key) for key in keys), *([self._meeting_place()] if met else [])]),
        )
        return list(zip(wanted, found, strict=True))

    async def _file(self, release: Release, file: SwarmFile) -> str:
        if identity := await self._id(file.kind, file.name):
            return identity
        if file.content is None:
            raise EngineError(
                f"{file.key} is not in the cluster, and this machine does not have it",
                where=SWARM,
                why="a release of before was given it, and it has been removed since",
                hint="deploy from a machine that has the secrets of the environment",
            )
        try:
            made = await self.managers.post(f"{file.kind}/create", file.body(release))
        except DockerError as error:
            if error.status != TAKEN:
                raise
            return await self._id(file.kind, file.name)
        return str(made["ID"])

    async def _id(self, kind: str, name: str) -> str:
        listed = await self.managers.get(kind, filters={"name": [name]})
        return next((str(one["ID"]) for one in listed if one["Spec"]["Name"] == name), "")

    async def _network(self, release: Release, key: str) -> None:
        said = declared(release.app, key)
        name = names.network(self.environment, said)
        if await self._has_network(name):
            return
        if said.external:
            raise EngineError(
                f"there is no network {name} in the cluster",
                where=SWARM,
                why=f"{key} is external: somebody else has to make it",
                hint=f"docker network create --driver overlay {name}",
            )
        await self._make(swarm.network(self.environment, release.app, key))

    async def _meeting_place(self) -> None:
        if not await self._has_network(swarm_names.GATEWAY_NETWORK):
            await self._make(swarm.gateway_network())

    async def _has_network(self, name: str) -> bool:
        listed = await self.managers.get("networks", filters={"name": [name], "scope": ["swarm"]})
        return any(one["Name"] == name for one in listed)

    async def _make(self, body: swarm.Json) -> None:
        try:
            await self.managers.post("networks/create", body)
        except DockerError as error:
            if error.status != TAKEN and "already exists" not in error.message:
                raise
