"""What a container finds in its file system: volumes, and the configs and secrets it is given. Units as in `model.app`."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

JINJA = "jinja"
"""The `template_driver` of a config that is a template."""


class FileMount(Struct, frozen=True, kw_only=True):
    """A config or a secret given to a service (long form). `target` is absolute for configs; secrets default to /run/secrets/SOURCE."""

    source: str
    target: str
    uid: str | None = None
    gid: str | None = None
    mode: int | None = None


class FileObject(Struct, frozen=True, kw_only=True):
    """A top-level config or secret. Exactly one of file, environment, content is set, unless it is external."""

    name: str
    file: str | None = None
    environment: str | None = None
    content: str | None = None
    external: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    driver: str | None = None
    driver_opts: Mapping[str, str] = field(default_factory=dict)
    template_driver: str | None = None


class Mount(Struct, frozen=True, kw_only=True):
    """One entry of `volumes` or `tmpfs`. `source` is an absolute path (bind), a volume's key (volume) or None (anonymous, tmpfs)."""

    type: str
    target: str
    source: str | None = None
    read_only: bool = False
    consistency: str | None = None
    propagation: str | None = None
    create_host_path: bool = True
    recursive: str | None = None
    selinux: str | None = None
    nocopy: bool = False
    subpath: str | None = None
    size: int | None = None
    mode: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of the anonymous volume."""
    options: tuple[str, ...] = ()
    """Of a tmpfs, as written, beyond size and mode: `uid=1000`, `noexec`."""


class Volume(Struct, frozen=True, kw_only=True):
    key: str
    name: str | None = None
    external: bool = False
    driver: str | None = None
    driver_opts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
