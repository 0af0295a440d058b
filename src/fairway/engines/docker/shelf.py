"""A folder of small files in the ledger's volume of a host: fulfils `common.shelf.Shelf`."""

from __future__ import annotations

import base64
import binascii
import io
import tarfile
from collections.abc import Collection
from shlex import quote

from fairway.engines.common.shelf import Files
from fairway.engines.docker.errors import hint
from fairway.engines.docker.keeper import LEDGER, Keeper
from fairway.model.errors import EngineError
from fairway.net.shell import Answer

PARTIAL = ".partial."
"""The beginning of the name of a file that is being written."""


class DockerShelf:
    """On one Docker host."""

    def __init__(self, folder: str, keeper: Keeper) -> None:
        self.folder = folder
        self.keeper = keeper
        self.host = keeper.host
        self._path = quote(f"{LEDGER}/{folder}")

    async def files(self) -> Files:
        archive = f"tar -cf - --exclude='./{PARTIAL}*' . 2>/dev/null | base64 -w 0"
        answer = await self.keeper.ask(f"[ ! -d {self._path} ] || (cd {self._path} && {archive})")
        if answer is None or not answer.output.strip():
            return {}
        try:
            packed = base64.b64decode(answer.output, validate=True)
            with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
                return {
                    member.name.rpartition("/")[2]: content.read()
                    for member in tar
                    if member.isfile() and (content := tar.extractfile(member))
                }
        except (binascii.Error, tarfile.TarError) as error:
            raise self._failed("The ledger could not be read", answer) from error

    async def has(self, name: str) -> bool:
        answer = await self.keeper.ask(f"[ -e {self._path}/{quote(name)} ]")
        return answer is not None and answer.status == 0

    async def write(self, files: Files, *, new: bool = False) -> None:
        """Each of them is there whole, on the disk, or as it was before."""
        steps, bodies = [f"umask 077 && mkdir -p {self._path} && cd {self._path}"], []
        for name, data in files.items():
            partial = quote(PARTIAL + name)
            steps.append(f"base64 -d >{partial} <<'.' && sync {partial} && mv -f {partial} {quote(name)}")
            bodies.append(f"{base64.b64encode(data).decode()}\n.\n")
        answer = await self.keeper.run(f"{' && '.join(steps)}\n{''.join(bodies)}")
        if answer.status:
            raise self._failed("The ledger could not be written", answer)

    async def remove(self, names: Collection[str]) -> None:
        answer = await self.keeper.run(f"cd {self._path} && rm -f {' '.join(map(quote, names))}")
        if answer.status:
            raise self._failed("The ledger could not be written", answer)

    def _failed(self, what: str, answer: Answer) -> EngineError:
        why = answer.output.strip()[-300:] or f"exit status {answer.status}"
        return EngineError(what, where=self.host, why=why, hint=hint(why))
