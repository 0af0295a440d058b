"""An image of an engine, written to an archive."""

from __future__ import annotations

import asyncio
import json
import tarfile
import tempfile
from collections.abc import AsyncIterator
from typing import IO, Any

from fairway.net.client import Docker
from fairway.ports.making import Archive, Blob

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
CHUNK = 1 << 20
SILENCE = 600.0
"""Seconds that an engine may take for the next piece: it packs the image first."""


async def archive(docker: Docker, image: str, name: str, to: Archive) -> None:
    """`image` is its id; `name` is what it is called in the archive. Raises DockerError, FairwayError."""
    with tempfile.TemporaryFile() as file:
        async with docker.open("GET", f"images/{image}/get") as answer:
            async for piece in answer.chunks(silence=SILENCE):
                await asyncio.to_thread(file.write, piece)
        file.seek(0)
        with tarfile.open(fileobj=file) as tar:
            (saved,) = json.loads(_read(tar, "manifest.json"))
            config = await to.blob(_pieces(_open(tar, saved["Config"])))
            layers = [await to.blob(_pieces(_open(tar, path))) for path in saved["Layers"]]
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _descriptor(CONFIG, config),
        "layers": [_descriptor(LAYER, layer) for layer in layers],
    }
    await to.add(name, json.dumps(manifest).encode(), MANIFEST)


def _descriptor(kind: str, blob: Blob) -> dict[str, Any]:
    return {"mediaType": kind, "digest": blob.digest, "size": blob.size}


def _open(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    found = tar.extractfile(name)
    assert found is not None, name
    return found


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    return _open(tar, name).read()


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, CHUNK):
        yield piece
