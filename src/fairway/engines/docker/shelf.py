"""A folder of small files in the ledger's volume of a host: written whole, for their owner alone."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import aiodocker
from aiodocker.exceptions import DockerError

from fairway.engines.docker import keeper
from fairway.engines.docker.errors import explained
from fairway.engines.docker.put import exists, put
from fairway.net.errors import translated
from fairway.render import names

Files = Mapping[str, bytes]
"""Contents by name."""


class Shelf(Protocol):
    """What a ledger is kept in."""

    host: str
    """For people: where it is."""

    async def files(self) -> Files:
        """All of them; none where there is no such folder, and then none is made."""

    async def has(self, name: str) -> bool:
        """Whether there is one; cheap beside reading it."""

    async def write(self, files: Files) -> None: ...


class DockerShelf:
    """On one Docker host. `image` has `sleep`; `clock` gives seconds since the epoch."""

    def __init__(
        self,
        folder: str,
        docker: aiodocker.Docker,
        image: str,
        *,
        host: str = "local",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self.docker = docker
        self.image = image
        self.host = host
        self.clock = clock
        self._kept = False
        """Whether this process has seen that the keeper runs."""

    async def files(self) -> Files:
        with explained(self.host, "The ledger could not be read"):
            try:
                return await self._archive()
            except DockerError as error:
                if error.status != 404:
                    raise
            if not await keeper.there(self.docker):
                return {}
            await keeper.ensure(self.docker, self.image, self.host)
            try:
                return await self._archive()
            except DockerError as error:
                if error.status != 404:
                    raise
                return {}

    async def has(self, name: str) -> bool:
        with translated(self.host):
            return await exists(self.docker, names.KEEPER, f"{keeper.LEDGER}/{self.folder}/{name}")

    async def write(self, files: Files) -> None:
        await self._keep()
        tar = self._tar(files)
        with explained(self.host, "The ledger could not be written"):
            try:
                await put(self.docker, names.KEEPER, keeper.LEDGER, tar)
            except DockerError as error:
                if error.status != 404:
                    raise
                self._kept = False  # somebody has removed it since
                await self._keep()
                await put(self.docker, names.KEEPER, keeper.LEDGER, tar)

    async def _archive(self) -> Files:
        path = f"{keeper.LEDGER}/{self.folder}"
        with await self.docker.containers.container(names.KEEPER).get_archive(path) as tar:
            return {
                member.name.rpartition("/")[2]: content.read()
                for member in tar
                if member.isfile() and (content := tar.extractfile(member))
            }

    async def _keep(self) -> None:
        """The keeper runs: looked at once, for a ledger is written to every few seconds."""
        if not self._kept:
            with translated(self.host):
                await keeper.ensure(self.docker, self.image, self.host)
            self._kept = True

    def _tar(self, files: Files) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            folder = tarfile.TarInfo(self.folder)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o700
            tar.addfile(folder)
            for name, data in files.items():
                entry = tarfile.TarInfo(f"{self.folder}/{name}")
                entry.size, entry.mode, entry.mtime = len(data), 0o600, int(self.clock())
                tar.addfile(entry, io.BytesIO(data))
        return buffer.getvalue()
