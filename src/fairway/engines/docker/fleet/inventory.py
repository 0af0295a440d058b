"""What placement needs to know of a host: what it is, what it has, what is taken of that, and which volumes it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct, field

from fairway.engines.docker.hosts_running import reserved_cpus
from fairway.engines.docker.observed import inspect
from fairway.model.deploy import Resources
from fairway.model.hosts import Host
from fairway.model.release import Release, Revision
from fairway.net.client import Docker
from fairway.net.errors import translated
from fairway.render import names

Json = Mapping[str, Any]


class Known(Struct, frozen=True, kw_only=True):
    """What the settings say of a host."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)


async def look(docker: Docker, known: Known, release: Release | None = None) -> Host:
    """What is reserved is counted only where a service of the release reserves something."""
    with translated(known.name, "The host could not be looked at"):
        info, volumes, used = await asyncio.gather(docker.get("info"), docker.get("volumes"), _used(docker, release))
    pairs = (str(label).partition("=") for label in info.get("Labels") or ())
    return Host(
        name=known.name,
        hostname=str(info.get("Name") or ""),
        id=str(info.get("ID") or ""),
        os=str(info.get("OSType") or "linux"),
        arch=str(info.get("Architecture") or ""),
        labels=known.labels,
        engine_labels={key: value for key, _, value in pairs},
        capacity=Resources(cpus=info.get("NCPU") or None, memory=info.get("MemTotal") or None),
        used=used,
        volumes=frozenset(volume["Name"] for volume in volumes.get("Volumes") or ()),
    )


def reserves(release: Release) -> bool:
    found = (service.deploy.reservations for service in release.app.services.values())
    return any(one.cpus or one.memory or one.pids for one in found)


async def _used(docker: Docker, release: Release | None) -> Resources:
    """By everything that runs there, but for the replicas of this release: placement counts those itself."""
    if release is None or not reserves(release):
        return Resources()
    listed: list[Json] = await docker.get("containers/json")
    others = [item for item in listed if not _mine(item.get("Labels") or {}, release, set(release.revisions.values()))]
    found = [one for one in await asyncio.gather(*(inspect(docker, item["Id"]) for item in others)) if one]
    return Resources(
        cpus=sum(map(reserved_cpus, found)),
        memory=sum(int(one["HostConfig"].get("MemoryReservation") or 0) for one in found),
        pids=sum(max(0, int(one["HostConfig"].get("PidsLimit") or 0)) for one in found),
    )


def _mine(labels: Mapping[str, str], release: Release, revisions: Collection[Revision]) -> bool:
    wanted = names.of_environment(release.environment, names.Kind.REPLICA)
    try:
        return wanted.items() <= labels.items() and names.revision(labels) in revisions
    except (KeyError, ValueError):
        return False
