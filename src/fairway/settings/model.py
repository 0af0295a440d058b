"""Settings: what fairway.yaml says. Paths are as written, relative to its directory; times are seconds.

None means that the file does not say; `policies` decides then. An annotation is the shape of its key: see `shapes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from fairway.model.app import Location, Path
from fairway.model.stage import SUCCESS, HttpCheck, Stage
from fairway.settings.amounts import (
    COOKIE,
    COOKIE_VALUE,
    FEWER,
    FRACTION,
    HEADER,
    HEADER_VALUE,
    LONGER,
    SHARE,
    TRAFFIC,
    WAIT,
    Wait,
    factor,
)
from fairway.settings.kinds import AMOUNT, COMMAND, DURATION, VARIABLES, Amount, choice, pattern, whole

NOT_A_KEY = {"key": False}
"""Marks a field that is not written in the file."""

STEPPED = ("canary", "blue-green", "ab", "shadow")
"""Strategies that are lists of steps."""

_NAME = r"[a-z0-9][a-z0-9-]{0,62}"
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"(\*\.)?{_LABEL}(\.{_LABEL})*"
_AUTHORITY = r"([^/@\s]+@)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)"

Seconds = Annotated[float, DURATION]
Longer = Annotated[float, LONGER]
Share = Annotated[Amount, AMOUNT]
Command = Annotated[tuple[str, ...], COMMAND]
Variables = Annotated[Mapping[str, str], VARIABLES]
PortNumber = Annotated[int, whole(1, 65535, "a port from 1 to 65535")]
Tries = Annotated[int, whole(0, 20, "a whole number from 0 to 20")]
Status = Annotated[int, whole(100, 599, "an HTTP status from 100 to 599")]
Name = Annotated[str, pattern("a name of small letters, digits and hyphens", _NAME)]
ServiceName = Annotated[str, pattern("the name of a service", r"[a-zA-Z0-9._-]+")]
AppName = Annotated[
    str, pattern("a name of small letters, digits, hyphens and underscores", r"[a-z0-9][a-z0-9_-]{0,62}")
]
UrlPath = Annotated[str, pattern("a path that begins with /", r"/[^\s#]*")]
HostName = Annotated[
    str, pattern("a host name, *.name, or * for any", rf"\*|{_HOST}", "no scheme, no port, no path, small letters")
]
Repository = Annotated[
    str,
    pattern(
        "a registry and a path, such as registry.example.com/team",
        rf"(localhost|{_LABEL}(\.{_LABEL})+|{_LABEL}(\.{_LABEL})*:[0-9]{{1,5}})(/[a-z0-9]+((\.|_{{1,2}}|-+)[a-z0-9]+)*)*",
        "no scheme, no tag, small letters",
    ),
]
Address = Annotated[
    str,
    pattern(
        "the address of a Docker engine",
        rf"unix:///\S+|tcp://{_AUTHORITY}:[0-9]{{1,5}}|ssh://{_AUTHORITY}(:[0-9]{{1,5}})?",
        "unix:///var/run/docker.sock, tcp://HOST:2376 or ssh://USER@HOST",
    ),
]
EngineName = Annotated[str, choice("docker", later=("swarm", "kubernetes"))]
PassesOn = Annotated[Literal["exit", "last-line"], choice("exit", "last-line")]
StrategyName = Annotated[str, choice("rolling", "recreate", *STEPPED)]
OnFail = Annotated[str, choice("rollback", "hold")]
NoData = Annotated[str, choice("hold", "pass", "abort")]
MeasureName = Annotated[str, choice("errors", "latency")]
Method = Annotated[str, choice("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")]
Fraction = Annotated[float, FRACTION]
Factor = Annotated[float, factor(1, 1000, "a number of times, from 1 to 1000")]
Events = Annotated[int, whole(1, 1_000_000, "a whole number from 1 to 1000000")]
OneHost = Annotated[str, pattern("a host name", rf"{_LABEL}(\.{_LABEL})*", "no *, no scheme, no port, small letters")]
HeaderName = Annotated[str, HEADER]
HeaderValue = Annotated[str | None, HEADER_VALUE]
CookieName = Annotated[str, COOKIE]
CookieValue = Annotated[str | None, COOKIE_VALUE]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    service: ServiceName
    port: PortNumber
    path: UrlPath = "/"
    status: Status = 200
    contains: str = ""
    headers: Variables = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """Exactly one of `service` and `http` is set; `http` goes with `up`."""

    service: ServiceName | None = None
    command: Command | None = None
    environment: Variables = field(default_factory=dict)
    up: bool = False
    http: HttpSettings | None = None
    passes_on: PassesOn = "exit"
    line: str = SUCCESS
    timeout: Seconds = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Files in PEM."""

    ca: str
    cert: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A Docker engine. In the file, its address alone will do."""

    short: ClassVar[str] = "address"

    address: Address
    tls: Tls | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSettings:
    later: ClassVar[tuple[str, ...]] = ("tls", "mirror", "match")

    host: HostName | None = None
    hosts: tuple[HostName, ...] = ()
    port: PortNumber | None = None
    path: UrlPath | None = None
    timeout: Seconds | None = None
    retries: Tries | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadySettings:
    http: UrlPath | None = None
    port: PortNumber | None = None
    status: Status | None = None
    min_ready: Seconds | None = None
    deadline: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """In the file, its command alone will do."""

    short: ClassVar[str] = "command"

    command: Command
    timeout: Longer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchSettings:
    """One header, or one cookie, with what it has to be; None is any value."""

    header: Mapping[HeaderName, HeaderValue] = field(default_factory=dict)
    cookie: Mapping[CookieName, CookieValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSettings:
    """Shares are percent. `users` is `traffic` by users."""

    traffic: Annotated[float, TRAFFIC] | None = None
    users: Annotated[float, SHARE] | None = None
    match: tuple[MatchSettings, ...] | None = None
    mirror: Annotated[float, SHARE] | None = None
    methods: tuple[Method, ...] | None = None
    scale: Share | None = None
    hold: Annotated[Wait, WAIT] | None = None
    check: JobSettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SloSettings:
    errors: Fraction | None = None
    latency: Longer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    later: ClassVar[tuple[str, ...]] = ("probe",)

    compare: tuple[MeasureName, ...] | None = None
    alpha: Fraction | None = None
    ratio: Factor | None = None
    tolerance: Factor | None = None
    quantile: Fraction | None = None
    slo: SloSettings = SloSettings()
    min_events: Events | None = None
    every: Longer | None = None
    max_hold: Longer | None = None
    no_data: NoData | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutSettings:
    strategy: StrategyName | None = None
    steps: tuple[StepSettings, ...] | None = None
    judge: JudgeSettings | None = None
    preview: OneHost | None = None
    keep: Seconds | None = None
    before: JobSettings | None = None
    after_keep: JobSettings | None = None
    on_fail: OnFail | None = None
    surge: Share | None = None
    max_unavailable: Annotated[Amount, FEWER] | None = None
    pause: Seconds | None = None
    monitor: Seconds | None = None
    drain_timeout: Seconds | None = None
    deadline: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    route: RouteSettings | None = None
    ready: ReadySettings = ReadySettings()
    rollout: RolloutSettings = RolloutSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSettings:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """`http` is the port on each host; `image` None is the image that Fairway makes itself."""

    later: ClassVar[tuple[str, ...]] = ("https", "tls")

    http: PortNumber = 80
    image: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`app` None is the Compose project's name. `locations` says where each value was written, by its path."""

    later: ClassVar[tuple[str, ...]] = ("build", "keep_releases")

    app: AppName | None = None
    registry: Repository | None = None
    test: Mapping[Name, StageSettings] = field(default_factory=dict)
    environments: Mapping[Name, EnvironmentSettings]
    services: Mapping[ServiceName, ServiceSettings] = field(default_factory=dict)
    gateway: GatewaySettings = GatewaySettings()
    file: str = field(default="fairway.yaml", metadata=NOT_A_KEY)
    locations: Mapping[Path, Location] = field(default_factory=dict, compare=False, repr=False, metadata=NOT_A_KEY)

    def where(self, *path: str) -> Location:
        """The place of `path`, or of its nearest ancestor that was written down."""
        for end in range(len(path), 0, -1):
            if found := self.locations.get(path[:end]):
                return found
        return Location(self.file)

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
        http=HttpCheck(**{key: getattr(said.http, key) for key in HttpSettings.__slots__}) if said.http else None,
        passes_on=said.passes_on,
        line=said.line,
        timeout=said.timeout,
    )
