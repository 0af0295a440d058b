"""The releases of an environment, on the host that runs them: files in a volume. Only how far one has come is overwritten."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Callable
from datetime import UTC, datetime

import aiodocker
from aiodocker.exceptions import DockerError

from fairway.engines.docker import keeper
from fairway.engines.docker.errors import explained
from fairway.engines.docker.ledger_codec import (
    Noted,
    Outcome,
    encode,
    notes,
    outcome_name,
    progress_name,
    records,
    release_name,
)
from fairway.engines.docker.put import exists, put
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.model.release import Progress, Record, Release
from fairway.net.errors import translated
from fairway.render import names


class DockerLedger:
    """`ports.Ledger` on one Docker host. `image` has `sleep`; `clock` gives seconds since the epoch.

    Writers hold the environment's lease: two at once would be one too many.
    """

    def __init__(
        self,
        environment: Environment,
        docker: aiodocker.Docker,
        image: str,
        *,
        host: str = "local",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.environment = environment
        self.docker = docker
        self.image = image
        self.host = host
        self.clock = clock
        self._kept = False
        """Whether this process has seen that the keeper runs."""
        self._sequences: dict[int, int] = {}
        """The sequence of the last note on each release, as far as this process knows."""

    async def read(self) -> tuple[Record, ...]:
        with explained(self.host, "The ledger could not be read"):
            files = await self._files()
            for number, noted in notes(files).items():
                self._sequences[number] = max(noted.sequence, self._sequences.get(number, 0))
            return records(files)

    async def intend(self, release: Release) -> None:
        """Raises EngineError where the number has been used: a record is never changed."""
        if await self._used(release.number):
            raise EngineError(
                f"Release {release.number} of {self.environment} is in the ledger already",
                where=self.host,
                hint="look at fairway releases, and deploy again",
            )
        await self._write(release_name(release.number), encode(release))
        self._sequences.setdefault(release.number, 0)

    async def _used(self, number: int) -> bool:
        """Whether there is a record of that number; one that was cut short is none."""
        path = f"{keeper.LEDGER}/{self.environment.key}/{release_name(number)}"
        with translated(self.host):
            there = await exists(self.docker, names.KEEPER, path)
        return there and any(record.release.number == number for record in await self.read())

    async def note(self, release: Release, progress: Progress) -> None:
        number = release.number
        if number not in self._sequences:
            await self.read()
        sequence = self._sequences[number] = self._sequences.get(number, 0) + 1
        await self._write(progress_name(number, sequence), encode(Noted(sequence=sequence, progress=progress)))

    async def conclude(self, release: Release, outcome: str, detail: str = "") -> None:
        now = self.clock()
        finished = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        said = Outcome(outcome=outcome, finished=finished, detail=detail)
        await self._write(outcome_name(release.number, round(now * 1e9)), encode(said))

    async def _files(self) -> dict[str, bytes]:
        """The environment's files by name; none where it has no ledger, and then none is made."""
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

    async def _archive(self) -> dict[str, bytes]:
        path = f"{keeper.LEDGER}/{self.environment.key}"
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

    async def _write(self, name: str, data: bytes) -> None:
        await self._keep()
        tar = self._tar(name, data)
        with explained(self.host, "The ledger could not be written"):
            try:
                await put(self.docker, names.KEEPER, keeper.LEDGER, tar)
            except DockerError as error:
                if error.status != 404:
                    raise
                self._kept = False  # somebody has removed it since
                await self._keep()
                await put(self.docker, names.KEEPER, keeper.LEDGER, tar)

    def _tar(self, name: str, data: bytes) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            folder = tarfile.TarInfo(self.environment.key)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o700
            tar.addfile(folder)
            entry = tarfile.TarInfo(f"{self.environment.key}/{name}")
            entry.size, entry.mode, entry.mtime = len(data), 0o600, int(self.clock())
            tar.addfile(entry, io.BytesIO(data))
        return buffer.getvalue()
