"""A folder of files in the Swarm's own store, which every manager has: fulfils `common.shelf.Shelf`.

A file is a config. Configs are never changed, and there is one of a name at most: so the name of a file's next version is
taken by one writer alone, whichever manager he speaks to. What does not fit into one is in parts, which are there first.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import zlib
from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct

from fairway.engines.common.shelf import Files
from fairway.engines.common.together import together
from fairway.model.errors import EngineError
from fairway.net.client import DockerError
from fairway.net.errors import translated
from fairway.net.managers import Managers
from fairway.render.names import label_filter

SHELF, FILE, VERSION, PARTS, WRITER = (f"fairway.shelf{end}" for end in ("", ".file", ".version", ".parts", ".writer"))
SIZE = 700_000
"""Bytes of a config: Raft takes 1,000 KB, and sends what a config is as one message."""
TAKEN = 409


class Config(Struct, frozen=True):
    """One version of a file, as it is kept; `head` has how many parts there are."""

    id: str
    file: str
    version: int
    parts: tuple[str, ...]
    data: bytes


class RaftShelf:
    """One folder. `remove` and `write` are safe to repeat."""

    def __init__(self, folder: str, managers: Managers) -> None:
        self.folder = folder
        self.managers = managers
        self.host = "the Swarm"

    async def files(self) -> Files:
        with translated(self.host, "The ledger could not be read"):
            found = await self._found()
            return {config.file: await self._whole(config) for config in newest(found).values()}

    async def has(self, name: str) -> bool:
        with translated(self.host, "The ledger could not be read"):
            return bool(await self._found(name))

    async def write(self, files: Files, *, new: bool = False) -> None:
        """Each of them is there whole, on most managers, or as it was before. Raises EngineError where somebody else has written
        the same file meanwhile, and then his counts."""
        with translated(self.host, "The ledger could not be written"):
            await together(self._write(name, data, new=new) for name, data in files.items())

    async def remove(self, names: Collection[str]) -> None:
        wanted = frozenset(names)
        with translated(self.host, "The ledger could not be written"):
            await self._forget([config for config in await self._found() if config.file in wanted])

    async def _found(self, file: str | None = None) -> list[Config]:
        labels = {SHELF: self.folder} | ({FILE: file} if file is not None else {})
        listed = await self.managers.get("configs", filters={"label": label_filter(labels)})
        return [config for item in listed or () if (config := read(item))]

    async def _write(self, name: str, data: bytes, *, new: bool) -> None:
        before = await self._found(name)
        if new and before:
            raise self._overtaken(name)
        version = 1 + max((config.version for config in before), default=0)
        pieces = split(zlib.compress(data))
        parts = [part_name(self.folder, piece) for piece in pieces[1:]]
        await together(
            self._create(part, {SHELF + ".part": self.folder}, piece)
            for part, piece in zip(parts, pieces[1:], strict=True)
        )
        labels = {SHELF: self.folder, FILE: name, VERSION: str(version), PARTS: " ".join(parts)}
        if not await self._create(head_name(self.folder, name, version), labels, pieces[0]):
            raise self._overtaken(name)
        await self._forget(before, keep=parts)

    async def _create(self, name: str, labels: Mapping[str, str], data: bytes) -> bool:
        """False where somebody else has one of that name. The answer to what was done may be lost: the label tells who did it."""
        writer = os.urandom(8).hex()
        body = {"Name": name, "Labels": {**labels, WRITER: writer}, "Data": base64.b64encode(data).decode()}
        try:
            await self.managers.post("configs/create", body)
        except DockerError as error:
            if error.status != TAKEN:
                raise
            found = await self.managers.get("configs", filters={"name": [name]})
            return any(one["Spec"]["Labels"].get(WRITER) == writer for one in found if one["Spec"]["Name"] == name)
        return True

    async def _whole(self, config: Config) -> bytes:
        pieces = await asyncio.gather(*(self.managers.get(f"configs/{part}") for part in config.parts))
        packed = config.data + b"".join(base64.b64decode(piece["Spec"]["Data"]) for piece in pieces)
        try:
            return zlib.decompress(packed)
        except zlib.error as error:
            raise EngineError(
                f"{config.file} of {self.folder} cannot be read", where=self.host, why=str(error)
            ) from error

    def _overtaken(self, name: str) -> EngineError:
        return EngineError(
            f"{name} of {self.folder} has been written by somebody else at the same time",
            where=self.host,
            hint="run the command again: it goes on from what is there",
        )

    async def _forget(self, configs: Collection[Config], keep: Collection[str] = ()) -> None:
        """The heads first: what has none is nothing."""
        await together(self.managers.remove(f"configs/{config.id}") for config in configs)
        await together(
            self.managers.remove(f"configs/{part}") for config in configs for part in config.parts if part not in keep
        )


async def folders(managers: Managers, ending: str) -> frozenset[str]:
    """Those that have a file whose name ends so."""
    listed = await managers.get("configs", filters={"label": [FILE]})
    labels = [config["Spec"].get("Labels") or {} for config in listed or ()]
    return frozenset(said[SHELF] for said in labels if SHELF in said and said.get(FILE, "").endswith(ending))


def newest(configs: Collection[Config]) -> dict[str, Config]:
    """By file. A writer that has died left the version before beside its own."""
    found: dict[str, Config] = {}
    for config in configs:
        if config.file not in found or config.version > found[config.file].version:
            found[config.file] = config
    return found


def read(config: Mapping[str, Any]) -> Config | None:
    """Of a config as Docker lists it; None where it is the first piece of no file."""
    labels = config["Spec"].get("Labels") or {}
    try:
        version = int(labels[VERSION])
        return Config(
            id=config["ID"],
            file=labels[FILE],
            version=version,
            parts=tuple(labels[PARTS].split()),
            data=base64.b64decode(config["Spec"].get("Data") or ""),
        )
    except (KeyError, ValueError):
        return None


def split(data: bytes) -> list[bytes]:
    return [data[start : start + SIZE] for start in range(0, len(data), SIZE)]


def head_name(folder: str, file: str, version: int) -> str:
    """Names have at most 64 characters, and not every one."""
    return f"fairway-{_hash(folder.encode(), file.encode())}-{version}"


def part_name(folder: str, piece: bytes) -> str:
    """After what is in it: whoever left it, it is the right one."""
    return f"fairway-{_hash(folder.encode(), piece)}-part"


def _hash(*texts: bytes) -> str:
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:32]
