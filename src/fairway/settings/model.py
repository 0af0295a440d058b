"""Settings: what fairway.yaml says. Paths are as written, relative to its directory; times are seconds.

None means that the file does not say; `policies` decides then. An annotation is the shape of its key: see `shapes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct, field

from fairway.model.app import Written
from fairway.model.stage import SUCCESS, HttpCheck, Stage
from fairway.settings.evidence_model import PromotedFromSettings, RequireSettings, SignSettings
from fairway.settings.rollout_model import RolloutSettings
from fairway.settings.secrets_model import SecretsOnHost, SecretsSettings, merged
from fairway.settings.types import (
    ENGINES,
    SCHEDULERS,
    AbsolutePath,
    Address,
    AppName,
    Capability,
    CertifiedName,
    Command,
    Date,
    Email,
    EngineName,
    HardeningLevel,
    HostLoss,
    HostName,
    HttpsUrl,
    Ip,
    Kid,
    Labels,
    Longer,
    Name,
    PassesOn,
    PortNumber,
    Releases,
    Repository,
    RuleId,
    Seconds,
    ServiceName,
    Status,
    Tries,
    UrlPath,
    UserName,
    Variables,
)

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"


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


class HardeningSettings(Struct, frozen=True, kw_only=True):
    """In the file, its level alone will do. `level` None: that of the whole file."""

    short: ClassVar[str] = "level"

    level: HardeningLevel | None = None
    capabilities: tuple[Capability, ...] = ()
    writable: tuple[AbsolutePath, ...] = ()
    user: UserName | None = None


class ServiceSettings(Struct, frozen=True, kw_only=True):
    route: RouteSettings | None = None
    ready: ReadySettings = ReadySettings()
    rollout: RolloutSettings = field(default_factory=RolloutSettings)
    hardening: HardeningSettings = HardeningSettings()
    secrets: SecretsOnHost = SecretsOnHost()


class EnvironmentSettings(Struct, frozen=True, kw_only=True):
    """`promote_from` is a short form of `require.promoted_from`. `services` says what differs here from the services of the whole file."""

    engine: EngineName = ENGINES[0]
    hosts: Mapping[Name, Host] = field(default_factory=lambda: {"local": Host(address="unix:///var/run/docker.sock")})
    compose: tuple[str, ...] = ()
    env_file: tuple[str, ...] = ()
    values: Variables = field(default_factory=dict)
    profiles: tuple[str, ...] = ()
    promote_from: Name | None = None
    require: RequireSettings = RequireSettings()
    registry: Repository | None = None
    services: Mapping[ServiceName, ServiceSettings] = field(default_factory=dict)
    secrets: SecretsSettings = SecretsSettings()
    on_host_loss: HostLoss = "rollback"
    max_lost: Tries = 1

    @property
    def promoted_from(self) -> PromotedFromSettings | None:
        """Where the images have to come from, whichever way that was said."""
        short = PromotedFromSettings(environment=self.promote_from) if self.promote_from else None
        return self.require.promoted_from or short

    @property
    def scheduled(self) -> bool:
        """Whether the engine has a scheduler of its own."""
        return self.engine in SCHEDULERS

    @property
    def edges(self) -> tuple[str, ...]:
        """The hosts that take public traffic: those that say so; where none does, all but those that say that they do not."""
        said = tuple(name for name, host in self.hosts.items() if host.edge)
        return said or tuple(name for name, host in self.hosts.items() if host.edge is None)


class EdgeCertificate(Struct, frozen=True, kw_only=True):
    """Files in PEM."""

    cert: str
    key: str


class CustomerSettings(Struct, frozen=True, kw_only=True):
    """Whose account it is to be, at an authority that knows its customers (external account binding). A file with the key."""

    kid: Kid
    hmac_file: str


class AcmeSettings(Struct, frozen=True, kw_only=True):
    """`hosts`: the names of each certificate; none: one for each name. `ca` and `eab` name files. `terms` has to be True."""

    terms: bool
    directory: HttpsUrl = LETS_ENCRYPT
    email: Email | None = None
    hosts: tuple[tuple[CertifiedName, ...], ...] = ()
    renew_before: Longer | None = None
    ca: str | None = None
    eab: CustomerSettings | None = None


class GatewaySettings(Struct, frozen=True, kw_only=True):
    """`http` and `https` are ports on each host; `image` None is the image that Fairway makes itself. There is TLS with `tls`,
    certificates from files, or `acme`, those that an authority issues, or both."""

    http: PortNumber = 80
    https: PortNumber = 443
    tls: tuple[EdgeCertificate, ...] = ()
    acme: AcmeSettings | None = None
    redirect: bool = True
    image: str | None = None


class PruneSettings(Struct, frozen=True, kw_only=True):
    """`younger_than` in seconds; `archive` is a directory, None where nothing is archived."""

    younger_than: Seconds = 86400.0
    after_deploy: bool = True
    registry: bool = False
    archive: str | None = None


class AcceptSettings(Struct, frozen=True, kw_only=True):
    """A finding that is known, and lived with. `service` and `host` None: wherever it is found."""

    rule: RuleId
    service: ServiceName | None = None
    host: Name | None = None
    because: str
    until: Date | None = None


class SecuritySettings(Struct, frozen=True, kw_only=True):
    accept: tuple[AcceptSettings, ...] = ()


class Settings(Written, frozen=True, kw_only=True):
    """`app` None is the Compose project's name."""

    later: ClassVar[tuple[str, ...]] = ("build",)
    unwritten: ClassVar[tuple[str, ...]] = ("file", "locations")
    """Fields that are not keys of the file."""

    app: AppName | None = None
    registry: Repository | None = None
    test: Mapping[Name, StageSettings] = field(default_factory=dict)
    sign: SignSettings | None = None
    sbom: bool = True
    environments: Mapping[Name, EnvironmentSettings]
    services: Mapping[ServiceName, ServiceSettings] = field(default_factory=dict)
    gateway: GatewaySettings = GatewaySettings()
    secrets: SecretsSettings = SecretsSettings()
    keep_releases: Releases = 10
    prune: PruneSettings = PruneSettings()
    hardening: HardeningLevel = "off"
    security: SecuritySettings = SecuritySettings()
    file: str = "fairway.yaml"

    @property
    def origin(self) -> str:
        return self.file

    def stages(self) -> tuple[Stage, ...]:
        """The test stages, in the order of the file."""
        return tuple(_stage(name, said) for name, said in self.test.items())

    def required(self, environment: str) -> tuple[str, ...]:
        """The stages that must have passed before anything runs there."""
        stages = self.environments[environment].require.tests
        return tuple(self.test) if stages is None else stages

    def secrets_of(self, environment: str) -> SecretsSettings:
        """Where its secrets are kept: `store` is set."""
        return merged(self.secrets, self.environments[environment].secrets)

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
