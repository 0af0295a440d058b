"""An engine in front of an older one, that gives out images as Docker 25 and later do."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from fairway.net.client import Docker


def newer_form(saved: bytes, layers: list[str]) -> bytes:
    """The tar file of `docker save` with its files laid out as blobs, in the order in which Docker 25 writes them."""
    with tarfile.open(fileobj=io.BytesIO(saved)) as old:

        def content(name: str) -> bytes:
            file = old.extractfile(name)
            assert file
            return file.read()

        (said,) = json.loads(content("manifest.json"))
        blobs = {layer: content(path) for layer, path in zip(layers, said["Layers"], strict=True)}
        config = f"sha256:{said['Config'].removesuffix('.json')}"
        blobs[config] = content(said["Config"])
    files = {path(name): data for name, data in sorted(blobs.items())}
    manifest = [{"Config": path(config), "RepoTags": None, "Layers": [path(layer) for layer in layers]}]
    files |= {"index.json": b"{}", "manifest.json": json.dumps(manifest).encode(), "oci-layout": b"{}"}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as new:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            new.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


@asynccontextmanager
async def newer(docker: Docker, directory: Path, image: str, containerd_id: str = "") -> AsyncIterator[str]:
    """The URL of an engine that has `image` of `docker`; under another id, kept in containerd, where there is one."""

    async def version(_: web.Request) -> web.Response:
        return web.json_response({"ApiVersion": "1.47", "MinAPIVersion": "1.24"})

    async def info(_: web.Request) -> web.Response:
        status = [["driver-type", "io.containerd.snapshotter.v1"]] if containerd_id else [["Backing", "extfs"]]
        return web.json_response({"DriverStatus": status})

    async def inspect(_: web.Request) -> web.Response:
        found = await docker.get(f"images/{image}/json")
        return web.json_response({**found, "Id": containerd_id or found["Id"]})

    async def get(request: web.Request) -> web.StreamResponse:
        layers = (await docker.get(f"images/{image}/json"))["RootFS"]["Layers"]
        async with docker.open("GET", f"images/{image}/get") as saved:
            data = newer_form(await saved.read(), layers)
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(data)
        return answer

    app = web.Application()
    app.router.add_get("/version", version)
    app.router.add_get("/v1.47/info", info)
    app.router.add_get("/v1.47/images/{name:.+}/json", inspect)
    app.router.add_get("/v1.47/images/{name:.+}/get", get)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, str(directory / "s")).start()
    try:
        yield f"unix://{directory / 's'}"
    finally:
        await runner.cleanup()
