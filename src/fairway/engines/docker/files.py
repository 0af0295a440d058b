"""Configs and secrets on the host: one volume for each set of contents, filled without a process ever running in it."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiodocker
from aiodocker.exceptions import DockerError

from fairway.engines.docker.errors import explained
from fairway.engines.docker.observed import listed
from fairway.engines.docker.put import put
from fairway.engines.docker.together import unbroken
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.render import names
from fairway.render.docker_files import FileSet
from fairway.render.docker_mounts import FilesVolume

INSIDE = "/fairway-files"


class Files:
    """A volume is complete once a container uses it, for that is made after it was filled; else it is filled again."""

    def __init__(self, docker: aiodocker.Docker, environment: Environment, host: str) -> None:
        self.docker = docker
        self.environment = environment
        self.host = host
        self._lock = asyncio.Lock()
        self._wanted: Counter[str] = Counter()

    @asynccontextmanager
    async def prepared(self, contents: FileSet | None, image: str) -> AsyncIterator[FilesVolume | None]:
        """The volume that holds these files, safe from `sweep` within the context. `image` is any that the host has."""
        if contents is None:
            yield None
            return
        name = names.files(self.environment, contents.digest)
        self._wanted[name] += 1
        try:
            async with self._lock:
                path = await unbroken(self._filled(name, contents, image))
            yield FilesVolume(name, path, contents)
        finally:
            self._wanted[name] -= 1

    async def sweep(self, volume: str) -> None:
        """Remove a volume of files, unless a container still mounts it."""
        async with self._lock:
            if self._wanted[volume]:
                return
            try:
                await self.docker._query_json(f"volumes/{volume}", "DELETE")
            except DockerError as error:
                if error.status not in (404, 409):
                    raise

    async def _filled(self, name: str, contents: FileSet, image: str) -> str:
        """The path on the host of a volume that holds these files."""
        with explained(self.host, "The configs and secrets could not be written"):
            volume = await self.docker._query_json("volumes/create", "POST", data=self._body(name))
            if not await self._used(name):
                await self._fill(name, contents, image)
        if not volume.get("Mountpoint"):
            raise EngineError(f"The volume {name} has no path on its host", where=self.host)
        return str(volume["Mountpoint"])

    def _body(self, name: str) -> str:
        return json.dumps({"Name": name, "Labels": names.of_environment(self.environment, names.Kind.FILES)})

    async def _used(self, name: str) -> bool:
        labels = {names.APP: self.environment.app, names.ENVIRONMENT: self.environment.name, names.FILES: name}
        return bool(await listed(self.docker, labels))

    async def _fill(self, name: str, contents: FileSet, image: str) -> None:
        tar = self._archive(contents)
        await self._sweep_helpers()
        body: dict[str, Any] = {
            "Image": image,
            "Entrypoint": ["/never-started"],
            "Labels": names.of_environment(self.environment, names.Kind.FILES),
            "HostConfig": {
                "NetworkMode": "none",
                "Mounts": [
                    {"Type": "volume", "Source": name, "Target": INSIDE, "VolumeOptions": {"NoCopy": True}},
                ],
            },
        }
        helper = await self.docker.containers.create(body)
        try:
            await put(self.docker, helper.id, INSIDE, tar)
        finally:
            await asyncio.shield(helper.delete(force=True))

    async def _sweep_helpers(self) -> None:
        """Those that a killed deployer has left."""
        for left in await listed(self.docker, names.of_environment(self.environment, names.Kind.FILES)):
            await left.delete(force=True)

    def _archive(self, contents: FileSet) -> bytes:
        """A tar file of them, with their modes and owners."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for file in contents.files:
                if file.content is None:
                    raise EngineError(f"The value of the secret {file.source!r} is missing", where=self.host)
                entry = tarfile.TarInfo(file.name)
                entry.size, entry.mode, entry.uid, entry.gid = len(file.content), file.mode, file.uid, file.gid
                tar.addfile(entry, io.BytesIO(file.content))
        return buffer.getvalue()
