"""What is secret and kept where the ledger is: sealed, for whoever reads the Swarm's configs is not to read it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Collection

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fairway.engines.common.shelf import Files
from fairway.engines.swarm.shelf import RaftShelf
from fairway.model.errors import EngineError

NONCE = 12


class SealedShelf:
    """A shelf whose files are sealed with `key` (32 bytes), each to its name and folder. The key is asked for when it is needed."""

    def __init__(self, shelf: RaftShelf, key: Callable[[], Awaitable[bytes]]) -> None:
        self.shelf = shelf
        self.host = shelf.host
        self._key = key
        self._known: AESGCM | None = None

    async def files(self) -> Files:
        """Raises EngineError where the key is another one."""
        sealed = await self.shelf.files()
        return {name: await self._opened(name, data) for name, data in sealed.items()}

    async def has(self, name: str) -> bool:
        return await self.shelf.has(name)

    async def write(self, files: Files, *, new: bool = False) -> None:
        await self.shelf.write({name: await self._sealed(name, data) for name, data in files.items()}, new=new)

    async def remove(self, names: Collection[str]) -> None:
        await self.shelf.remove(names)

    async def _sealed(self, name: str, data: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + (await self._cipher()).encrypt(nonce, data, self._bound(name))

    async def _opened(self, name: str, data: bytes) -> bytes:
        try:
            return (await self._cipher()).decrypt(data[:NONCE], data[NONCE:], self._bound(name))
        except (InvalidTag, ValueError) as error:
            raise EngineError(
                f"{name} of {self.shelf.folder} cannot be opened",
                where=self.host,
                why="it was sealed with another key: that of the gateways was removed since, or somebody has changed it",
                hint="certificates from files are shown again by the next deployment; those from an authority are asked for anew "
                f"once the configs labelled fairway.shelf={self.shelf.folder} are removed",
            ) from error

    async def _cipher(self) -> AESGCM:
        if self._known is None:
            self._known = AESGCM(await self._key())
        return self._known

    def _bound(self, name: str) -> bytes:
        return f"{self.shelf.folder}\0{name}".encode()
