"""The kinds of values that the keys of fairway.yaml have, as annotations: see `shapes`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from fairway.settings.amounts import COOKIE, COOKIE_VALUE, FRACTION, HEADER, HEADER_VALUE, LONGER, factor
from fairway.settings.kinds import AMOUNT, COMMAND, DATE, DURATION, VARIABLES, Amount, choice, flagged, pattern, whole
from fairway.settings.labels import LABELS

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
Labels = Annotated[Mapping[str, str], LABELS]
PortNumber = Annotated[int, whole(1, 65535, "a port from 1 to 65535")]
Tries = Annotated[int, whole(0, 20, "a whole number from 0 to 20")]
Releases = Annotated[int, whole(1, 1000, "a whole number from 1 to 1000")]
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
Ip = Annotated[str, pattern("an IPv4 address", r"[0-9]{1,3}(\.[0-9]{1,3}){3}", "such as 10.0.0.12")]
Count = Annotated[int, whole(1, 20, "a whole number from 1 to 20")]
VariableName = Annotated[str, pattern("the name of a variable", r"[A-Za-z_][A-Za-z0-9_]*")]
RULES = ("tests", "clean", "branch", "tag", "promoted_from", "signed_by", "max_age", "approvals")
"""What `require` may ask for."""
Overrides = Annotated[tuple[str, ...], flagged(*RULES)]
HostLoss = Annotated[str, choice("rollback", "continue", "stop")]
ENGINES = ("docker", "swarm")
SCHEDULERS = ("swarm",)
"""Those that know their hosts by themselves, and move what ran on one that is lost."""
EngineName = Annotated[str, choice(*ENGINES, later=("kubernetes",))]
StoreName = Annotated[str, choice("age", "environment", "files", "command", "vault")]
Storage = Annotated[str, choice("disk", "memory")]
PassesOn = Annotated[Literal["exit", "last-line"], choice("exit", "last-line")]
StrategyName = Annotated[str, choice("rolling", "recreate", *STEPPED)]
OnFail = Annotated[str, choice("rollback", "hold")]
NoData = Annotated[str, choice("hold", "pass", "abort")]
MeasureName = Annotated[str, choice("errors", "latency")]
Url = Annotated[
    str,
    pattern(
        "an address that begins with http:// or https://",
        r"https?://[^\s/@?#]+(/[^\s?#]*)?",
        "no user, no password, no `?`: http://prometheus.example.com:9090",
    ),
]
Query = Annotated[
    str,
    pattern(
        "a query with {revision} in it",
        r"[^\n]*\{revision\}[^\n]*",
        'for the name of the revision: `sum(orders_total{state="paid",revision="{revision}"})`',
    ),
]
Method = Annotated[str, choice("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")]
Fraction = Annotated[float, FRACTION]
Factor = Annotated[float, factor(1, 1000, "a number of times, from 1 to 1000")]
Events = Annotated[int, whole(1, 1_000_000, "a whole number from 1 to 1000000")]
OneHost = Annotated[str, pattern("a host name", rf"{_LABEL}(\.{_LABEL})*", "no *, no scheme, no port, small letters")]
CertifiedName = Annotated[
    str,
    pattern(
        "a host name, without *",
        rf"{_LABEL}(\.{_LABEL})*",
        "an authority gives *.NAME over DNS alone: list the names themselves, or bring a certificate in `gateway.tls`",
    ),
]
HttpsUrl = Annotated[
    str,
    pattern("an address that begins with https://", r"https://[^\s/@?#]+(/[^\s?#]*)?", "no user, no password, no `?`"),
]
Email = Annotated[str, pattern("an email address", r"[^\s@<>,?]+@[^\s@<>,?]+", "one, and nothing beside it")]
Kid = Annotated[str, pattern("the name of a key, as the authority has given it", r"[!-~]+")]
HeaderName = Annotated[str, HEADER]
HeaderValue = Annotated[str | None, HEADER_VALUE]
CookieName = Annotated[str, COOKIE]
CookieValue = Annotated[str | None, COOKIE_VALUE]
HardeningLevel = Annotated[str, choice("strict", "off")]
Capability = Annotated[
    str, pattern("a capability of Linux, such as NET_BIND_SERVICE", r"(CAP_)?[A-Z]+(_[A-Z]+)*", "in capital letters")
]
AbsolutePath = Annotated[str, pattern("a path that begins with /", r"/[^\s:,]*[^\s:,/]", "a path in the container")]
UserName = Annotated[
    str,
    pattern("a user, or user:group", r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)?", "numbers or names: `1000:1000`"),
]
RuleId = Annotated[str, pattern("the name of a rule", r"FW-[A-Z][0-9]{3}", "`fairway docs security` lists them")]
Date = Annotated[date, DATE]
