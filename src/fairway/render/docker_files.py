"""A service's configs and secrets as files: what they hold, where they go, and one digest that changes with any of it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from fairway.model import marked
from fairway.model.app import Service
from fairway.model.errors import EngineError
from fairway.model.files import FileMount
from fairway.model.release import Release

READABLE = 0o444
"""The mode where the file sets none; the specification's default."""
SEAL = ".seal"
"""The file beside them that says whether they are all there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file: `source` is the key of its config or secret, `name` its name in the volume, `target` its path in the container."""

    name: str
    source: str
    target: str
    uid: int
    gid: int
    mode: int
    content: bytes | None = field(repr=False)
    """None where the value of a secret was not given: it is not needed where the volume is filled already."""


class FileSet(Struct, frozen=True):
    """Everything that one service is given. `digest` is of the versions of its secrets, never of their values.

    `secret`: there are secrets among it; `memory`: they are never on a disk.
    """

    digest: str
    files: tuple[File, ...]
    secret: bool = False
    memory: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        """The keys of the secrets, and of the configs with secrets in them, that have no value."""
        return tuple(dict.fromkeys(file.source for file in self.files if file.content is None))


def file_set(release: Release, service: Service, secrets: Mapping[str, bytes]) -> FileSet | None:
    """None where the service has neither configs nor secrets. Raises EngineError for one that the release lacks."""
    if not service.configs and not service.secrets:
        return None
    files: list[File] = []
    versions: list[object] = []
    secret = bool(service.secrets)
    for mount in service.configs:
        encoded = _required(release.configs, mount.source, "config", service)
        inside = sorted(marked.secrets_of(release.app.configs.get(mount.source), encoded))
        version = hashlib.sha256(encoded.encode()).hexdigest()
        pinned = [_required(release.secrets, key, "secret", service) for key in inside]
        versions.append([version, *pinned] if inside else version)
        content = base64.b64decode(encoded)
        files.append(_file(len(files), mount, marked.filled(content.decode(), secrets) if inside else content))
        secret = secret or bool(inside)
    for mount in service.secrets:
        versions.append(_required(release.secrets, mount.source, "secret", service))
        files.append(_file(len(files), mount, secrets.get(mount.source)))
    described = [
        [file.name, file.target, file.uid, file.gid, file.mode, version]
        for file, version in zip(files, versions, strict=True)
    ]
    digest = hashlib.sha256(json.dumps(described).encode()).hexdigest()
    memory = secret and release.policy(service.name).storage == "memory"
    return FileSet(digest[:20], tuple(files), secret, memory)


def seal(files: Mapping[str, bytes]) -> bytes:
    """What is written last into a volume of files: it fits them only if all of them were written whole."""
    told = hashlib.sha256()
    for name, content in sorted(files.items()):
        told.update(f"{name} {len(content)}\n".encode() + content)
    return told.hexdigest().encode()


def _file(position: int, mount: FileMount, content: bytes | None) -> File:
    return File(
        name=str(position),
        source=mount.source,
        target=mount.target,
        uid=int(mount.uid or 0),
        gid=int(mount.gid or 0),
        mode=READABLE if mount.mode is None else mount.mode,
        content=content,
    )


def _required(values: Mapping[str, str], key: str, what: str, service: Service) -> str:
    if key not in values:
        raise EngineError(f"The release has no {what} {key!r}", where=service.name)
    return values[key]
