"""What a one-off container of a service finds on its host."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fairway.engines.docker import volumes
from fairway.engines.docker.files import Files
from fairway.engines.docker.networks import Networks
from fairway.engines.docker.peers import peers
from fairway.model.release import Release
from fairway.render.docker import Place
from fairway.render.docker_files import file_set


@asynccontextmanager
async def place(
    networks: Networks, files: Files, release: Release, service: str, secrets: Mapping[str, bytes]
) -> AsyncIterator[Place]:
    """Its networks, volumes and files, made where they are missing; the container is to be made within the context."""
    docker, host, declared = networks.docker, networks.host, release.app.services[service]
    await volumes.prepare(docker, host, release, service)
    await networks.prepare(release.app, declared)
    others = await peers(docker, networks.environment, host, release, declared)
    async with files.prepared(file_set(release, declared, secrets), release.images[service].pinned) as filled:
        yield Place(index=0, files=filled, peers=others)
