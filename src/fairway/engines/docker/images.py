"""Which bytes are behind an image's name."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from fairway.model.build import ImageRef
from fairway.model.errors import ImageNotFound
from fairway.net.client import Docker, DockerError
from fairway.net.errors import translated

Credentials = Callable[[str], Mapping[str, str] | None]
"""From a registry's host name to {username, password}, or None where there are none."""

HUB = "docker.io"
COMMIT_LABELS = "org.opencontainers.image."
SEEN = (
    *("Env", "Cmd", "Entrypoint", "User", "WorkingDir", "ExposedPorts", "Volumes"),
    *("Healthcheck", "StopSignal", "Shell", "ArgsEscaped"),
)
"""What of an image's configuration reaches its containers."""


async def pin(
    docker: Docker, host: str, reference: str, *, pull: bool, credentials: Credentials | None = None
) -> ImageRef:
    """The image behind `reference`, pulled where the host has none or `pull` says so. Raises ImageNotFound."""
    found = None if pull else await local(docker, host, reference)
    if found is None:
        await fetch(docker, host, reference, credentials)
        found = await local(docker, host, reference)
    if found is None:
        raise ImageNotFound(f"There is no image {reference}", where=host, why="it was pulled, and is not there")
    return ImageRef(
        reference=reference,
        id=found["Id"],
        digest=digest(reference, found.get("RepoDigests") or ()),
        fingerprint=fingerprint(found),
        ports=ports(found),
        user=str((found.get("Config") or {}).get("User") or ""),
        volumes=tuple(sorted((found.get("Config") or {}).get("Volumes") or ())),
    )


def ports(image: Mapping[str, Any]) -> tuple[int, ...]:
    """The TCP ports that it exposes."""
    exposed = (image.get("Config") or {}).get("ExposedPorts") or {}
    numbers = (name.removesuffix("/tcp") for name in exposed)
    return tuple(sorted(int(number) for number in numbers if number.isdecimal()))


def fingerprint(image: Mapping[str, Any]) -> str:
    """Of the layers and of what a container would be given, without the labels that say which commit it was built of."""
    config = dict(image.get("Config") or {})
    labels = config.pop("Labels", None) or {}
    kept = {name: value for name, value in labels.items() if not name.startswith(COMMIT_LABELS)}
    seen = {key: config.get(key) for key in SEEN}
    told = [image.get("Architecture"), image.get("Os"), (image.get("RootFS") or {}).get("Layers"), seen, kept]
    return "sha256:" + hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


async def local(docker: Docker, host: str, reference: str) -> dict[str, Any] | None:
    with translated(host, f"Docker could not look for the image {reference}"):
        try:
            return dict(await docker.get(f"images/{reference}/json"))
        except DockerError as error:
            if error.status == 404:
                return None
            raise


async def fetch(docker: Docker, host: str, reference: str, credentials: Credentials | None) -> None:
    """Pull it. Raises ImageNotFound with the registry's words."""
    registry = registry_of(reference)
    auth = credentials(registry) if credentials else None
    name = reference if "@" in reference or ":" in reference.rpartition("/")[2] else f"{reference}:latest"
    with translated(host):
        try:
            await _pull(docker, name, dict(auth) | {"serveraddress": registry} if auth else None)
        except DockerError as error:
            raise ImageNotFound(
                f"There is no image {reference}, and it cannot be pulled",
                where=host,
                why=error.message,
                hint=_hint(error.message, registry),
            ) from error


async def _pull(docker: Docker, name: str, auth: Mapping[str, str] | None) -> None:
    """Docker answers 200 before it knows whether it can."""
    headers = {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(auth).encode()).decode()} if auth else {}
    async with docker.open("POST", "images/create", {"fromImage": name}, headers=headers) as answer:
        async for said in answer.lines():
            if "error" in said:
                raise DockerError(answer.status, str(said["error"]))


def _hint(message: str, registry: str) -> str:
    if "denied" in message or "unauthorized" in message or "no basic auth" in message:
        return f"check the name, and the password for {registry}"
    if "manifest unknown" in message or "not found" in message:
        return "check the name and the tag; an image of your own needs `build:`"
    return f"check that {registry} can be reached from the host"


def registry_of(reference: str) -> str:
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else HUB


def familiar(repository: str) -> str:
    """A repository's short name, as engines write it: `redis` for docker.io/library/redis."""
    return repository.removeprefix(f"{HUB}/").removeprefix("index.docker.io/").removeprefix("library/")


def digest(reference: str, repo_digests: list[str] | tuple[str, ...]) -> str:
    """The manifest's digest in the reference's own repository; empty where the image was never in it."""
    wanted = familiar(ImageRef(reference=reference).repository)
    for item in repo_digests:
        repository, _, found = item.partition("@")
        if familiar(repository) == wanted:
            return found
    return ""
