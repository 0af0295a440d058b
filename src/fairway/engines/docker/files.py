"""Configs and secrets on the host: one volume for each set of contents, filled without a process ever running in it."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from msgspec.structs import replace as changed

from fairway.engines.common.together import unbroken
from fairway.engines.docker import memory, volumes
from fairway.engines.docker.errors import explained
from fairway.engines.docker.observed import listed
from fairway.engines.docker.replicas import remove
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.net.client import Docker, DockerError
from fairway.net.containers import get, put
from fairway.render import names
from fairway.render.docker_files import SEAL, FileSet, seal
from fairway.render.docker_mounts import FilesVolume

INSIDE = "/fairway-files"

Found = Mapping[str, bytes]
"""The contents of files, by their names in the volume."""


async def nowhere(volume: str) -> Found | None:
    """There is no other host."""
    return None


class Files:
    """A volume is complete once a container uses it, for that is made after it was filled, or where its seal fits.

    `elsewhere` tells what another host has in a volume of that name; `holder` is an image with `sleep`, for volumes in memory.
    """

    def __init__(
        self,
        docker: Docker,
        environment: Environment,
        host: str,
        elsewhere: Callable[[str], Awaitable[Found | None]] = nowhere,
        holder: str = "",
    ) -> None:
        self.docker = docker
        self.environment = environment
        self.host = host
        self.elsewhere = elsewhere
        self.holder = holder
        self._lock = asyncio.Lock()
        self._helping = asyncio.Lock()
        """Of its own: whoever fills a volume here may wait for another host, and that one for this."""
        self._wanted: Counter[str] = Counter()

    @asynccontextmanager
    async def prepared(self, contents: FileSet | None, image: str) -> AsyncIterator[FilesVolume | None]:
        """The volume that holds these files, safe from `sweep` within the context. `image` is any that the host has."""
        if contents is None:
            yield None
            return
        name = volume_of(self.environment, contents)
        self._wanted[name] += 1
        try:
            async with self._lock:
                path = await unbroken(self._filled(name, contents, image))
            yield FilesVolume(name, path, contents)
        finally:
            self._wanted[name] -= 1

    async def sweep(self, volume: str) -> None:
        """Remove a volume of files, unless a container still mounts it, or secrets are in it: a rollback may want those."""
        if not volume.startswith(names.files(self.environment, "", "secrets")):
            await self._remove(volume)

    async def keep(self, needed: Collection[str]) -> None:
        """Remove all volumes of files that no container mounts, but these."""
        labels = names.label_filter(names.of_environment(self.environment, names.Kind.FILES))
        with explained(self.host, "The files of earlier releases could not be removed"):
            found = await self.docker.get("volumes", filters={"label": labels})
            for volume in found["Volumes"] or ():
                if volume["Name"] not in needed:
                    await self._remove(volume["Name"])

    async def _remove(self, volume: str) -> None:
        async with self._lock:
            if self._wanted[volume]:
                return
            if memory.is_memory(self.environment, volume):
                if await self._used(volume):
                    return
                await memory.let_go(self.docker, volume)
            try:
                await self.docker.delete(f"volumes/{volume}")
            except DockerError as error:
                if error.status not in (404, 409):
                    raise

    async def read(self, volume: str, image: str = "") -> Found | None:
        """What is in a volume that was filled whole; None where there is none."""
        with explained(self.host, "The files of an earlier release could not be read"):
            if await volumes.show(self.docker, volume) is None:
                return None
            async with self._helper(volume, image or await self._any_image()) as helper:
                with await get(self.docker, helper, INSIDE) as tar:
                    found = {
                        member.name.rpartition("/")[2]: content.read()
                        for member in tar
                        if member.isfile() and (content := tar.extractfile(member))
                    }
        sealed = found.pop(SEAL, b"")
        return found if sealed == seal(found) else None

    async def _any_image(self) -> str:
        images = await self.docker.get("images/json")
        if not images:
            raise EngineError("There is no image on the host", where=self.host)
        return str(images[0]["Id"])

    async def _filled(self, name: str, contents: FileSet, image: str) -> str:
        """The path on the host of a volume that holds these files."""
        with explained(self.host, "The configs and secrets could not be written"):
            if not await self._complete(name, contents, image):
                await self._fill(name, await self._whole(name, contents, image), image)
            volume = await self._made(name, contents)
        if not volume.get("Mountpoint"):
            raise EngineError(f"The volume {name} has no path on its host", where=self.host)
        return str(volume["Mountpoint"])

    async def _complete(self, name: str, contents: FileSet, image: str) -> bool:
        if not contents.memory:
            return await self._used(name)
        # who uses it tells nothing: a host that was restarted has forgotten it
        return await memory.held(self.docker, name) and await self.read(name, image) is not None

    async def _whole(self, name: str, contents: FileSet, image: str) -> FileSet:
        """With what nobody gave, from where an earlier release has left it. Raises EngineError."""
        if not contents.missing:
            return contents
        found = await self.read(name, image) or await self.elsewhere(name)
        if found is None or any(file.name not in found for file in contents.files):
            raise lost(contents, self.host)
        files = tuple(
            replace(file, content=found[file.name]) if file.content is None else file for file in contents.files
        )
        return changed(contents, files=files)

    async def _made(self, name: str, contents: FileSet) -> dict[str, Any]:
        body: dict[str, Any] = {"Name": name, "Labels": names.of_environment(self.environment, names.Kind.FILES)}
        if contents.memory:
            body["DriverOpts"] = memory.options(sum(len(file.content or b"") for file in contents.files))
        return dict(await self.docker.post("volumes/create", body))

    async def _used(self, name: str) -> bool:
        labels = {names.APP: self.environment.app, names.ENVIRONMENT: self.environment.name, names.FILES: name}
        return bool(await listed(self.docker, labels))

    async def _fill(self, name: str, contents: FileSet, image: str) -> None:
        await self._made(name, contents)
        if contents.memory:
            await memory.hold(self.docker, self.environment, self.host, name, self.holder)
        async with self._helper(name, image) as helper:
            await put(self.docker, helper, INSIDE, archive(contents))

    @asynccontextmanager
    async def _helper(self, volume: str, image: str) -> AsyncIterator[str]:
        """A container that is never started: through it, one gets at what is in the volume."""
        body: dict[str, Any] = {
            "Image": image,
            "Entrypoint": ["/never-started"],
            "Labels": names.of_environment(self.environment, names.Kind.FILES),
            "HostConfig": {
                "NetworkMode": "none",
                "Mounts": [
                    {"Type": "volume", "Source": volume, "Target": INSIDE, "VolumeOptions": {"NoCopy": True}},
                ],
            },
        }
        async with self._helping:
            await self._sweep_helpers()
            helper = (await self.docker.post("containers/create", body))["Id"]
            try:
                yield helper
            finally:
                await asyncio.shield(remove(self.docker, helper))

    async def _sweep_helpers(self) -> None:
        """Those that a killed deployer has left."""
        for left in await listed(self.docker, names.of_environment(self.environment, names.Kind.FILES)):
            await remove(self.docker, left["Id"])


def volume_of(environment: Environment, contents: FileSet) -> str:
    kind = "memory" if contents.memory else "secrets" if contents.secret else "files"
    return names.files(environment, contents.digest, kind)


def archive(contents: FileSet) -> bytes:
    """A tar file of them, with their modes and owners; the seal comes last."""
    buffer = io.BytesIO()
    whole = {file.name: file.content or b"" for file in contents.files}
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for file in contents.files:
            entry = tarfile.TarInfo(file.name)
            entry.size, entry.mode, entry.uid, entry.gid = len(whole[file.name]), file.mode, file.uid, file.gid
            tar.addfile(entry, io.BytesIO(whole[file.name]))
        last, sealed = tarfile.TarInfo(SEAL), seal(whole)
        last.size, last.mode = len(sealed), 0o400
        tar.addfile(last, io.BytesIO(sealed))
    return buffer.getvalue()


def lost(contents: FileSet, host: str) -> EngineError:
    missing = contents.missing
    several = "s" if len(missing) > 1 else ""
    return EngineError(
        f"The value{several} of the secret{several} {', '.join(missing)} of that release cannot be had any more",
        where=host,
        why="this machine does not get it from where secrets are kept, and no host has it still",
        hint="`fairway secrets versions` shows what there is; deploy again, with the value that is to be",
    )
