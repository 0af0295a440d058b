"""Reads the package databases out of an image: its files, in one stream, from a container that is never started."""

from __future__ import annotations

import asyncio
import subprocess
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from fairway.attest import cyclonedx, packages
from fairway.builders.docker import DockerBuilder
from fairway.builders.explain import unreachable
from fairway.model.build import ImageRef
from fairway.model.errors import BuildFailed

KIND = "fairway.kind=inventory"


class DockerInventory:
    """ports.making.Inventory on the builder's engine."""

    def __init__(self, builder: DockerBuilder) -> None:
        self.builder = builder

    async def contents(self, image: ImageRef) -> Mapping[str, Any]:
        files = await self._files(image)
        return cyclonedx.document(image, packages.packages(files), _now(), version("fairway"))

    async def _files(self, image: ImageRef) -> Mapping[str, bytes]:
        name = f"fairway-inventory-{image.id.removeprefix('sha256:')[:12]}"
        await self.builder.docker("rm", "--force", name)  # one that a killed deployer has left
        made = await self.builder.docker(
            "create", "--name", name, "--label", KIND, "--network", "none", image.id, "/never-started"
        )
        if made.code:
            raise self._failed(image, made.stderr)
        client = await self.builder.client()
        process = subprocess.Popen(  # noqa: ASYNC220 - it is read in a thread
            [client.path, "export", name],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            env=self.builder.environ,
        )
        try:
            return await asyncio.to_thread(_read, process)
        except (tarfile.TarError, EOFError) as error:
            raise self._failed(image, f"{error}") from error
        finally:
            process.kill()
            await asyncio.shield(self.builder.docker("rm", "--force", name))

    def _failed(self, image: ImageRef, said: str) -> Exception:
        return unreachable(said, self.builder.address) or BuildFailed(
            f"Nobody could look what is in {image.reference}", where=self.builder.address, why=said
        )


def _read(process: subprocess.Popen[bytes]) -> dict[str, bytes]:
    """Only what is wanted is held in memory. Raises tarfile.TarError where the stream is cut off."""
    found: dict[str, bytes] = {}
    with process, tarfile.open(fileobj=process.stdout, mode="r|") as tar:
        for member in tar:
            path = member.name.removeprefix("./")
            if member.isfile() and packages.wanted(path, member.size) and (content := tar.extractfile(member)):
                found[path] = content.read()
        assert process.stdout
        while process.stdout.read(1 << 20):
            pass
    if process.returncode:
        raise tarfile.ReadError(f"docker export ended with {process.returncode}")
    return found


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
