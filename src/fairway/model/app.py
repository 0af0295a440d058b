"""The App: a Compose application, normalised. Every short form is gone, every default that the specification names is filled in.

Units: durations are seconds (float), sizes are bytes (int), CPUs are a float. Field names are the Compose Specification's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from fairway.model.deploy import Deploy, RestartPolicy
from fairway.model.files import FileMount, FileObject, Mount, Volume

Path = tuple[str, ...]


class Location(Struct, frozen=True, order=True):
    """A place in a file; `line` and `column` count from 1, and 0 means the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class BuildSpec(Struct, frozen=True, kw_only=True):
    """How an image is made. `context` and `dockerfile` are absolute paths (or a URL for `context`)."""

    context: str
    dockerfile: str | None = None
    dockerfile_inline: str | None = None
    target: str | None = None
    args: Mapping[str, str | None] = field(default_factory=dict)
    additional_contexts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    secrets: tuple[FileMount, ...] = ()
    ssh: tuple[str, ...] = ()
    network: str | None = None
    extra_hosts: tuple[str, ...] = ()
    shm_size: int | None = None
    no_cache: bool = False
    pull: bool = False
    privileged: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What the specification allows and no field above names, as written."""


class Healthcheck(Struct, frozen=True, kw_only=True):
    """`test` is None where the image's own check is kept; `disable` turns it off."""

    test: tuple[str, ...] | None = None
    interval: float | None = None
    timeout: float | None = None
    retries: int | None = None
    start_period: float | None = None
    start_interval: float | None = None
    disable: bool = False


class Dependency(Struct, frozen=True, kw_only=True):
    """One entry of depends_on. `condition`: service_started, service_healthy, service_completed_successfully."""

    service: str
    condition: str = "service_started"
    required: bool = True
    restart: bool = False


class Port(Struct, frozen=True, kw_only=True):
    """One container port; ranges are expanded. `published` is None where the engine chooses."""

    target: int
    published: int | None = None
    published_to: int | None = None
    """The end of a range to choose from, where a range is published for one target."""
    host_ip: str | None = None
    protocol: str = "tcp"
    mode: str = "ingress"
    name: str | None = None
    app_protocol: str | None = None


class Attachment(Struct, frozen=True, kw_only=True):
    """How a service joins a network."""

    aliases: tuple[str, ...] = ()
    ipv4_address: str | None = None
    ipv6_address: str | None = None
    link_local_ips: tuple[str, ...] = ()
    mac_address: str | None = None
    driver_opts: Mapping[str, str] = field(default_factory=dict)
    priority: int = 0
    gw_priority: int = 0
    interface_name: str | None = None
    use_service_name_alias: bool | None = None


class Ulimit(Struct, frozen=True, kw_only=True):
    name: str
    soft: int
    hard: int


class Device(Struct, frozen=True, kw_only=True):
    source: str
    target: str
    permissions: str = "rwm"


class Logging(Struct, frozen=True, kw_only=True):
    driver: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


class Service(Struct, frozen=True, kw_only=True):
    """One service, normalised. A field that is None was not set: the image's or the engine's default holds."""

    name: str
    image: str | None = None
    build: BuildSpec | None = None
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    expose: tuple[str, ...] = ()
    volumes: tuple[Mount, ...] = ()
    networks: Mapping[str, Attachment] = field(default_factory=dict)
    network_mode: str | None = None
    depends_on: Mapping[str, Dependency] = field(default_factory=dict)
    healthcheck: Healthcheck | None = None
    deploy: Deploy = field(default_factory=Deploy)
    restart: RestartPolicy | None = None
    secrets: tuple[FileMount, ...] = ()
    configs: tuple[FileMount, ...] = ()
    profiles: tuple[str, ...] = ()
    container_name: str | None = None
    hostname: str | None = None
    domainname: str | None = None
    mac_address: str | None = None
    user: str | None = None
    group_add: tuple[str, ...] = ()
    working_dir: str | None = None
    stdin_open: bool = False
    tty: bool = False
    init: bool | None = None
    stop_signal: str | None = None
    stop_grace_period: float | None = None
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    privileged: bool = False
    read_only: bool = False
    userns_mode: str | None = None
    ipc: str | None = None
    pid: str | None = None
    uts: str | None = None
    cgroup: str | None = None
    cgroup_parent: str | None = None
    isolation: str | None = None
    runtime: str | None = None
    platform: str | None = None
    pull_policy: str | None = None
    ulimits: tuple[Ulimit, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    devices: tuple[Device, ...] = ()
    device_cgroup_rules: tuple[str, ...] = ()
    gpus: tuple[Mapping[str, Any], ...] = ()
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_opt: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    """`name:address` (address may hold colons: split at the first)."""
    links: tuple[str, ...] = ()
    external_links: tuple[str, ...] = ()
    volumes_from: tuple[str, ...] = ()
    logging: Logging = Logging()
    shm_size: int | None = None
    storage_opt: Mapping[str, str] = field(default_factory=dict)
    cpu_shares: int | None = None
    cpu_period: int | None = None
    cpu_quota: int | None = None
    cpu_rt_period: int | None = None
    cpu_rt_runtime: int | None = None
    cpuset: str | None = None
    memswap_limit: int | None = None
    mem_swappiness: int | None = None
    oom_kill_disable: bool = False
    oom_score_adj: int | None = None
    blkio_config: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the specification that no attribute above names (credential_spec, post_start, develop, models, …) and `x-`, as written."""


class Network(Struct, frozen=True, kw_only=True):
    """`name` is the engine's name where one was set, else None: the engine derives one from the environment."""

    key: str
    name: str | None = None
    external: bool = False
    driver: str | None = None
    driver_opts: Mapping[str, str] = field(default_factory=dict)
    internal: bool = False
    attachable: bool = False
    enable_ipv4: bool | None = None
    enable_ipv6: bool | None = None
    ipam_driver: str | None = None
    ipam: tuple[Mapping[str, Any], ...] = ()
    ipam_options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


class Written(Struct, frozen=True, kw_only=True):
    """What was read from files; two of the same content are equal wherever they were written.

    `locations` says where each value was written, by its path (`("services", "web", "image")`).
    """

    locations: Mapping[Path, Location] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        names = (name for name in self.__struct_fields__ if name != "locations")
        return type(other) is type(self) and all(getattr(self, name) == getattr(other, name) for name in names)

    __hash__ = None  # type: ignore[assignment]

    @property
    def origin(self) -> str:
        """The place of all that has none of its own."""
        raise NotImplementedError

    def where(self, *path: str) -> Location:
        """The place of `path`, or of its nearest ancestor that was written down."""
        for end in range(len(path), 0, -1):
            if found := self.locations.get(path[:end]):
                return found
        return Location(self.origin)


class App(Written, frozen=True, kw_only=True):
    """A whole application."""

    name: str
    services: Mapping[str, Service]
    networks: Mapping[str, Network] = field(default_factory=dict)
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    configs: Mapping[str, FileObject] = field(default_factory=dict)
    secrets: Mapping[str, FileObject] = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)
    directory: str = ""
    """The project directory (absolute): where relative paths start."""

    @property
    def origin(self) -> str:
        return self.directory or self.name
