"""What fairway.yaml says of a rollout. None means that the file does not say; `rollouts` decides then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from msgspec import Struct, field

from fairway.settings.amounts import FEWER, SHARE, TRAFFIC, WAIT, Wait
from fairway.settings.kinds import Amount
from fairway.settings.types import (
    Command,
    CookieName,
    CookieValue,
    Events,
    Factor,
    Fraction,
    HeaderName,
    HeaderValue,
    Longer,
    MeasureName,
    Method,
    NoData,
    OneHost,
    OnFail,
    Query,
    Seconds,
    Share,
    Status,
    StrategyName,
    Url,
    UrlPath,
)


class JobSettings(Struct, frozen=True, kw_only=True):
    """In the file, its command alone will do."""

    short: ClassVar[str] = "command"

    command: Command
    timeout: Longer | None = None


class MatchSettings(Struct, frozen=True, kw_only=True):
    """One header, or one cookie, with what it has to be; None is any value."""

    header: Mapping[HeaderName, HeaderValue] = field(default_factory=dict)
    cookie: Mapping[CookieName, CookieValue] = field(default_factory=dict)


class StepSettings(Struct, frozen=True, kw_only=True):
    """Shares are percent. `users` is `traffic` by users."""

    traffic: Annotated[float, TRAFFIC] | None = None
    users: Annotated[float, SHARE] | None = None
    match: tuple[MatchSettings, ...] | None = None
    mirror: Annotated[float, SHARE] | None = None
    methods: tuple[Method, ...] | None = None
    scale: Share | None = None
    hold: Annotated[Wait, WAIT] | None = None
    check: JobSettings | None = None


class SloSettings(Struct, frozen=True, kw_only=True):
    errors: Fraction | None = None
    latency: Longer | None = None
    probe: Fraction | None = None


class HttpProbeSettings(Struct, frozen=True, kw_only=True):
    """In the file, its path alone will do."""

    short: ClassVar[str] = "path"

    path: UrlPath
    status: Status | None = None
    timeout: Longer | None = None


class ProbeJobSettings(JobSettings, frozen=True, kw_only=True):
    """A class of its own: the manual says of each what holds for it."""


class PrometheusSettings(Struct, frozen=True, kw_only=True):
    url: Url
    good: Query
    bad: Query


class ProbeSettings(Struct, frozen=True, kw_only=True):
    """One of `FORMS` is said."""

    FORMS: ClassVar[tuple[str, ...]] = ("http", "job", "prometheus")

    http: HttpProbeSettings | None = None
    job: ProbeJobSettings | None = None
    prometheus: PrometheusSettings | None = None
    every: Longer | None = None


class JudgeSettings(Struct, frozen=True, kw_only=True):
    compare: tuple[MeasureName, ...] | None = None
    alpha: Fraction | None = None
    ratio: Factor | None = None
    tolerance: Factor | None = None
    quantile: Fraction | None = None
    slo: SloSettings = SloSettings()
    probe: ProbeSettings | None = None
    min_events: Events | None = None
    every: Longer | None = None
    max_hold: Longer | None = None
    no_data: NoData | None = None


class RolloutSettings(Struct, frozen=True, kw_only=True):
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
