"""A service's configs and secrets as Swarm keeps them: one object for each content, that never changes."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from fairway.model import marked
from fairway.model.app import Service
from fairway.model.errors import EngineError, Problem
from fairway.model.files import FileMount
from fairway.model.release import Release
from fairway.render import names, swarm_names
from fairway.render.docker_files import READABLE

Json = dict[str, Any]
LARGEST = {"configs": 1000 * 1024, "secrets": 500 * 1024}
"""Bytes that Swarm takes."""


class SwarmFile(Struct, frozen=True, kw_only=True):
    """One config or secret. `kind` is configs or secrets; `content` None where the value of a secret was not given."""

    kind: str
    name: str
    key: str
    mount: FileMount
    content: bytes | None

    def body(self, release: Release) -> Json:
        """Of POST /configs/create and /secrets/create."""
        assert self.content is not None
        labels = names.of_environment(release.environment, names.Kind.FILES) | {names.KEY: self.key}
        return {"Name": self.name, "Labels": labels, "Data": base64.b64encode(self.content).decode()}

    def reference(self, identity: str) -> Json:
        """As a container's specification names it."""
        kind = "Config" if self.kind == "configs" else "Secret"
        mode = READABLE if self.mount.mode is None else self.mount.mode
        file = {"Name": self.mount.target, "UID": self.mount.uid or "0", "GID": self.mount.gid or "0", "Mode": mode}
        return {"File": file, f"{kind}ID": identity, f"{kind}Name": self.name}


def files(release: Release, service: Service, secrets: Mapping[str, bytes]) -> tuple[SwarmFile, ...]:
    """Raises EngineError for one that the release lacks, or that is larger than Swarm takes."""
    found = [_config(release, mount, secrets) for mount in service.configs]
    found += [_secret(release, mount, secrets.get(mount.source)) for mount in service.secrets]
    for file in found:
        if file.content is not None and len(file.content) > LARGEST[file.kind]:
            raise EngineError(
                f"{file.key} is too large for Swarm", where=service.name, why=too_large(file.kind, len(file.content))
            )
    return tuple(found)


def _config(release: Release, mount: FileMount, secrets: Mapping[str, bytes]) -> SwarmFile:
    """One with secrets in it is a secret as a whole."""
    encoded = _required(release.configs, mount.source, "config")
    inside = sorted(marked.secrets_of(release.app.configs.get(mount.source), encoded))
    if not inside:
        version = hashlib.sha256(encoded.encode()).hexdigest()[:20]
        name = swarm_names.file(release.environment, mount.source, version)
        return SwarmFile(kind="configs", name=name, key=mount.source, mount=mount, content=base64.b64decode(encoded))
    told = [encoded, *(_required(release.secrets, key, "secret") for key in inside)]
    version = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:20]
    content = marked.filled(base64.b64decode(encoded).decode(), secrets)
    name = swarm_names.file(release.environment, mount.source, version)
    return SwarmFile(kind="secrets", name=name, key=mount.source, mount=mount, content=content)


def _secret(release: Release, mount: FileMount, value: bytes | None) -> SwarmFile:
    version = hashlib.sha256(_required(release.secrets, mount.source, "secret").encode()).hexdigest()[:20]
    name = swarm_names.file(release.environment, mount.source, version)
    return SwarmFile(kind="secrets", name=name, key=mount.source, mount=mount, content=value)


def too_large(kind: str, size: int) -> str:
    return f"it has {size // 1024} KB, and Swarm keeps {kind} of at most {LARGEST[kind] // 1024} KB"


def oversized(release: Release) -> tuple[Problem, ...]:
    """The configs of a release that Swarm does not take."""
    found = []
    for key, encoded in release.configs.items():
        size = len(base64.b64decode(encoded))
        if size > LARGEST["configs"]:
            found.append(Problem(too_large("configs", size), release.app.where("configs", key), ("configs", key)))
    return tuple(found)


def _required(values: Mapping[str, str], key: str, what: str) -> str:
    if key not in values:
        raise EngineError(f"The release has no {what} {key!r}")
    return values[key]
