"""Which `docker` on this machine can build, and what it can: the newest one on PATH is not always the one that works."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from fairway.builders.process import capture
from fairway.model.errors import EngineUnreachable

FALLBACKS = ("/usr/bin/docker", "/usr/local/bin/docker")
INSTALL = (
    "Install the docker command line with its buildx plugin (Debian: docker.io; docker.com: docker-buildx-plugin)."
)


class Kind(StrEnum):
    BUILDX = "buildx"
    BUILDKIT = "BuildKit, by a docker client before 23"
    LEGACY = "the legacy builder"


class Client(Struct, frozen=True):
    path: str
    kind: Kind

    @property
    def buildkit(self) -> bool:
        return self.kind is not Kind.LEGACY


async def find_client(environ: Mapping[str, str]) -> Client:
    """The best client there is: with buildx, else one that still builds with BuildKit by itself, else any. Raises EngineUnreachable."""
    found: list[Client] = []
    for path in _candidates(environ.get("PATH", os.defpath)):
        kind = await _kind(path, environ)
        if kind is Kind.BUILDX:
            return Client(path, kind)
        if kind:
            found.append(Client(path, kind))
    if not found:
        raise EngineUnreachable("There is no docker command line, which builds images", hint=INSTALL)
    return min(found, key=lambda client: client.kind is Kind.LEGACY)


def _candidates(search: str) -> Iterator[str]:
    """Each program once, however many names it has."""
    seen: set[Path] = set()
    for path in (*(Path(directory or ".") / "docker" for directory in search.split(os.pathsep)), *map(Path, FALLBACKS)):
        real = path.resolve()
        if real not in seen and os.access(real, os.X_OK) and real.is_file():
            seen.add(real)
            yield str(path)


async def _kind(path: str, environ: Mapping[str, str]) -> Kind | None:
    try:
        if (await capture([path, "buildx", "version"], env=environ)).code == 0:
            return Kind.BUILDX
        version = await capture([path, "--version"], env=environ)
    except OSError:
        return None
    major = re.search(r"version (\d+)\.", version.stdout)
    if version.code or not major:
        return None
    return Kind.BUILDKIT if 18 < int(major[1]) < 23 else Kind.LEGACY
