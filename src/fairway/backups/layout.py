"""Images in a directory, as an OCI layout: `ports.Archive`. skopeo, podman and others read it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import tempfile
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Any

from fairway.model.errors import FairwayError
from fairway.ports.making import Blob

NAME = "org.opencontainers.image.ref.name"
INDEX = "application/vnd.oci.image.index.v1+json"


class OciLayout:
    """Made where it is missing. What is written is renamed into its place once it is whole, so a kill leaves nothing half."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def has(self, name: str) -> bool:
        return any(one.get("annotations", {}).get(NAME) == name for one in self._index()["manifests"])

    async def blob(self, pieces: AsyncIterable[bytes]) -> Blob:
        """Raises FairwayError where the disk does not take it."""
        folder = self.directory / "blobs" / "sha256"
        found, size = hashlib.sha256(), 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.directory, prefix=".partial-") as partial:
                with open(os.path.join(partial, "blob"), "wb") as file:  # noqa: ASYNC230, PTH118, PTH123
                    async for piece in pieces:
                        found.update(piece)
                        size += await asyncio.to_thread(file.write, piece)
                os.rename(file.name, folder / found.hexdigest())  # noqa: PTH104
        except OSError as error:
            raise FairwayError("an image could not be archived", where=str(self.directory), why=str(error)) from error
        return Blob(f"sha256:{found.hexdigest()}", size)

    async def add(self, name: str, manifest: bytes, kind: str) -> None:
        """An image, once all its blobs are there. `kind` is the manifest's media type."""
        written = await self.blob(_one(manifest))
        index = self._index()
        entry = {"mediaType": kind, "digest": written.digest, "size": written.size, "annotations": {NAME: name}}
        index["manifests"] = [one for one in index["manifests"] if one.get("annotations", {}).get(NAME) != name]
        index["manifests"].append(entry)
        self._write("oci-layout", {"imageLayoutVersion": "1.0.0"})
        self._write("index.json", index)

    def _index(self) -> dict[str, Any]:
        try:
            known: dict[str, Any] = json.loads((self.directory / "index.json").read_text())
        except FileNotFoundError:
            return {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}
        except (OSError, ValueError) as error:
            raise FairwayError(
                "the archive cannot be read",
                where=str(self.directory / "index.json"),
                why=str(error),
                hint="name another directory in `prune.archive`, or mend this one",
            ) from error
        return known

    def _write(self, name: str, value: Any) -> None:
        partial = self.directory / f".{name}.{os.getpid()}"
        partial.write_text(json.dumps(value, indent=1))
        partial.rename(self.directory / name)


async def _one(content: bytes) -> AsyncIterable[bytes]:
    yield content
