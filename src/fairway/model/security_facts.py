"""What an audit looks at beside the files' own words: images, Dockerfiles, hosts, and files on this machine. None: not known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from msgspec import Struct, field

from fairway.model.app import Location


class ImageFacts(Struct, frozen=True, kw_only=True):
    """`user` as the image says it; `created` is the day on which it was made. Paths are absolute; None: its files were not read."""

    reference: str
    id: str = ""
    digest: str = ""
    """In the registry of its name; empty where it was never in one."""
    user: str = ""
    volumes: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    """`22/tcp`."""
    healthcheck: bool = False
    created: date | None = None
    setuid: tuple[str, ...] | None = None
    """Files that run with their owner's, or their group's, rights."""
    keys: tuple[str, ...] | None = None
    """Files that are private keys or credentials, by their names."""


class Base(Struct, frozen=True):
    """An image that a Dockerfile names, with the line."""

    image: str
    line: int


class Line(Struct, frozen=True):
    """An instruction of a Dockerfile, or a part of one. `final`: it is in the stage that becomes the image."""

    line: int
    said: str
    final: bool = True


class Recipe(Struct, frozen=True, kw_only=True):
    """What a Dockerfile does. `file` is its path; `user` who the image's processes are, None where its base decides."""

    file: str
    bases: tuple[Base, ...] = ()
    user: str | None = None
    user_line: int = 0
    last: int = 0
    """The line of the last instruction: where a USER belongs that is missing."""
    variables: tuple[Line, ...] = ()
    """The names, and no values, of its ARG and ENV."""
    runs: tuple[Line, ...] = ()
    """What its RUN instructions run, on one line each."""
    adds: tuple[Line, ...] = ()
    """Addresses that its ADD instructions load without a checksum."""
    copies: tuple[Line, ...] = ()
    """COPY and ADD instructions that take the whole context, where no .dockerignore keeps anything out."""
    inline: int = 0
    """The line of the Compose file that it stands in, whose lines are not its own; 0: it is a file of its own."""

    def at(self, line: int) -> Location:
        return Location(self.file, self.inline or line)


class Stranger(Struct, frozen=True, kw_only=True):
    """A container that runs on a host and is none of this environment's."""

    name: str
    privileged: bool = False
    socket: bool = False
    """It has the engine's socket."""
    shares: tuple[str, ...] = ()
    """The host's namespaces that it is in: pid, ipc, network."""
    open_ports: tuple[str, ...] = ()
    """`8080/tcp`, on all addresses of the host."""


class HostSecurity(Struct, frozen=True, kw_only=True):
    """`options` are the engine's security options by their names, with what is said of each: {"seccomp": "default"}."""

    engine: str = ""
    build: str = ""
    """The engine's build, as its packager calls it."""
    runc: str = ""
    kernel: str = ""
    os: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    open_apis: tuple[str, ...] = ()
    """Addresses on TCP where the engine asks nobody who he is."""
    insecure: tuple[str, ...] = ()
    """Registries that are spoken to without TLS, or without checking it, other than the host itself."""
    live_restore: bool = True
    clustered: bool = False
    icc: bool | None = None
    """Whether containers on the default bridge reach each other."""
    unlimited: tuple[str, ...] = ()
    """Limits that its kernel does not enforce: memory, pids, CPU."""
    socket_mode: int | None = None
    """The permissions of its socket, where that is on this machine."""
    strangers: tuple[Stranger, ...] = ()


class FileFacts(Struct, frozen=True, kw_only=True):
    """A file on this machine whose permissions matter. `kind`: tls-key, ssh-key, secret, project, docker-config."""

    kind: str
    path: str
    mode: int
    where: Location | None = None
    """Where it is named."""


class Maintained(Struct, frozen=True, kw_only=True):
    """What is known of who mends which versions: `as_of` is the day on which it was looked up, `sources` where.

    `systems`: operating systems, `kernels`: lines of kernel.org, each with its last day. `engine` is the oldest line of Docker that its
    makers mend, `runc` the first version of each line without known ways out of a container.
    """

    as_of: date
    sources: tuple[str, ...] = ()
    engine: str
    systems: Mapping[str, date] = field(default_factory=dict)
    kernels: Mapping[str, date] = field(default_factory=dict)
    runc: tuple[str, ...] = ()
