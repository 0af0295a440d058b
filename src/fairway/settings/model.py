"""Settings: what fairway.yaml says. Paths are as written, relative to its directory; times are seconds.

None means that the file does not say; `policies` decides then. An annotation is the shape of its key: see `shapes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct, field

from fairway.model.app import Written
from fairway.model.stage import SUCCESS, HttpCheck, Stage
from fairway.settings.rollout_model import RolloutSettings
from fairway.settings.types import (
    Address,
    AppName,
    Command,
    EngineName,
    HostLoss,
    HostName,
    Ip,
    Labels,
    Name,
    PassesOn,
    PortNumber,
    Repository,
    Seconds,
    ServiceName,
    Status,
    Tries,
    UrlPath,
    Variables,
)


class HttpSettings(Struct, frozen=True, kw_only=True):
    service: ServiceName
    port: PortNumber
    path: UrlPath = "/"
    status: Status = 200
    contains: str = ""
    headers: Variables = field(default_factory=dict)


class StageSettings(Struct, frozen=True, kw_only=True):
    """Exactly one of `service` and `http` is set; `http` goes with `up`."""

    service: ServiceName | None = None
    command: Command | None = None
    environment: Variables = field(default_factory=dict)
    up: bool = False
    http: HttpSettings | None = None
    passes_on: PassesOn = "exit"
    line: str = SUCCESS
    timeout: Seconds = 600.0


class Tls(Struct, frozen=True, kw_only=True):
    """Files in PEM."""

    ca: str
    cert: str
    key: str


class Host(Struct, frozen=True, kw_only=True):
    """A Docker engine. In the file, its address alone will do. `edge` None: see `EnvironmentSettings.edges`."""

    short: ClassVar[str] = "address"

    address: Address
    tls: Tls | None = None
    labels: Labels = field(default_factory=dict)
    edge: bool | None = None
    internal: Ip | None = None
    """The address at which the other hosts reach it; None: the one in `address`."""


class RouteSettings(Struct, frozen=True, kw_only=True):
    later: ClassVar[tuple[str, ...]] = ("tls", "mirror", "match")

    host: HostName | None = None
    hosts: tuple[HostName, ...] = ()
    port: PortNumber | None = None
    path: UrlPath | None = None
    timeout: Seconds | None = None
    retries: Tries | None = None


class ReadySettings(Struct, frozen=True, kw_only=True):
    http: UrlPath | None = None
    port: PortNumber | None = None
    status: Status | None = None
    min_ready: Seconds | None = None
    deadline: Seconds | None = None


class ServiceSettings(Struct, frozen=True, kw_only=True):
    route: RouteSettings | None = None
    ready: ReadySettings = ReadySettings()
    rollout: RolloutSettings = field(default_factory=RolloutSettings)


class EnvironmentSettings(Struct, frozen=True, kw_only=True):
    """`require` None means every stage. `services` says what differs here from the services of the whole file."""

    engine: EngineName = "docker"
    hosts: Mapping[Name, Host] = field(default_factory=lambda: {"local": Host(address="unix:///var/run/docker.sock")})
    compose: tuple[str, ...] = ()
    env_file: tuple[str, ...] = ()
    values: Variables = field(default_factory=dict)
    profiles: tuple[str, ...] = ()
    promote_from: Name | None = None
    require: tuple[Name, ...] | None = None
    registry: Repository | None = None
    services: Mapping[ServiceName, ServiceSettings] = field(default_factory=dict)
    on_host_loss: HostLoss = "rollback"
    max_lost: Tries = 1

    @property
    def edges(self) -> tuple[str, ...]:
        """The hosts that take public traffic: those that say so; where none does, all but those that say that they do not."""
        said = tuple(name for name, host in self.hosts.items() if host.edge)
        return said or tuple(name for name, host in self.hosts.items() if host.edge is None)


class EdgeCertificate(Struct, frozen=True, kw_only=True):
    """Files in PEM."""

    later: ClassVar[tuple[str, ...]] = ("acme",)

    cert: str
    key: str


class GatewaySettings(Struct, frozen=True, kw_only=True):
    """`http` and `https` are ports on each host; `image` None is the image that Fairway makes itself. There is TLS with `tls`."""

    http: PortNumber = 80
    https: PortNumber = 443
    tls: tuple[EdgeCertificate, ...] = ()
    redirect: bool = True
    image: str | None = None


class Settings(Written, frozen=True, kw_only=True):
    """`app` None is the Compose project's name."""

    later: ClassVar[tuple[str, ...]] = ("build", "keep_releases")
    unwritten: ClassVar[tuple[str, ...]] = ("file", "locations")
    """Fields that are not keys of the file."""

    app: AppName | None = None
    registry: Repository | None = None
    test: Mapping[Name, StageSettings] = field(default_factory=dict)
    environments: Mapping[Name, EnvironmentSettings]
    services: Mapping[ServiceName, ServiceSettings] = field(default_factory=dict)
    gateway: GatewaySettings = GatewaySettings()
    file: str = "fairway.yaml"

    @property
    def origin(self) -> str:
        return self.file

    def stages(self) -> tuple[Stage, ...]:
        """The test stages, in the order of the file."""
        return tuple(_stage(name, said) for name, said in self.test.items())

    def required(self, environment: str) -> tuple[str, ...]:
        """The stages that must have passed before anything runs there."""
        stages = self.environments[environment].require
        return tuple(self.test) if stages is None else stages

    def registry_of(self, environment: str) -> str | None:
        return self.environments[environment].registry or self.registry


def _stage(name: str, said: StageSettings) -> Stage:
    return Stage(
        name=name,
        service=said.service,
        command=said.command,
        environment=said.environment,
        up=said.up,
        http=HttpCheck(**{key: getattr(said.http, key) for key in HttpSettings.__struct_fields__})
        if said.http
        else None,
        passes_on=said.passes_on,
        line=said.line,
        timeout=said.timeout,
    )
