"""One service's backends and steering → lanes: which requests go where, looked at in order. The last one takes all the rest.

Where the weights are shares of users, each user has a number of four hexadecimal digits in a cookie: those below the new
revision's share go to it, so a share that grows takes nobody back. A request without the cookie brings its own number: the
first digits of the identifier that Envoy gives each request, which then become the cookie. The salt stands beside the
number: under another one the user has none yet, and gets a new one in the same cookie. There are 65,536 numbers, so it
tells a user's side and not who the user is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct, field

from fairway.model.environment import Environment
from fairway.model.policy import Match
from fairway.model.routes import RoutedService, Steering
from fairway.render.envoy_clusters import cluster_name

Json = dict[str, Any]
Shares = tuple[tuple[str, int], ...]
"""Clusters and their weights."""

MILLION = 1_000_000
USERS = 0x10000
REMEMBERED = 30 * 24 * 3600
"""Seconds that a user keeps the number; a rollout that takes longer may move some."""
_HEX = "0123456789abcdef"
_NUMBER = "[0-9a-f]{4}"


class Copies(Struct, frozen=True, kw_only=True):
    """`share` of a million requests with these methods is sent to `cluster` too."""

    cluster: str
    methods: tuple[str, ...]
    share: int


class Lane(Struct, frozen=True, kw_only=True):
    """Requests that fit `match` (Envoy's RouteMatch without the path) go to one of the clusters `to`; to none: 503."""

    to: Shares
    match: Json = field(default_factory=dict)
    copies: Copies | None = None
    cookie: str = ""
    """A Set-Cookie for the answers, as Envoy formats it."""


def lanes(environment: Environment, service: RoutedService) -> list[Lane]:
    """Backends without an open endpoint get nobody: where the steering's revision is such a one, nothing is steered."""
    steering, new = service.steering, _steered(environment, service)
    able = [backend for backend in service.backends if backend.weight > 0 and backend.open]
    first = steering.revision if steering else ""
    able.sort(key=lambda backend: backend.revision != first)
    shares = tuple((cluster_name(environment, backend), backend.weight) for backend in able)
    if steering is None:
        return [Lane(to=shares)]
    copies = _copies(steering, new)
    if steering.sticky and len(shares) > 1:
        rest = list(_by_user(shares, _name(environment, service), _mark(steering.sticky), new, copies))
    else:
        rest = list(_by_request(shares, new, copies))
    matched = [Lane(match=_match(match), to=((new, 1),)) for match in steering.match] if new else []
    return matched + rest


def preview(environment: Environment, service: RoutedService) -> Lane:
    """All that is asked under the preview's name: without the new revision nobody answers, for the old one is not meant."""
    new = _steered(environment, service)
    return Lane(to=((new, 1),) if new else ())


def _steered(environment: Environment, service: RoutedService) -> str:
    """The cluster that the steering leads to; empty where it has no open endpoint."""
    wanted = service.steering.revision if service.steering else ""
    found = (backend for backend in service.backends if backend.revision == wanted and backend.open)
    return next((cluster_name(environment, backend) for backend in found), "")


def _match(match: Match) -> Json:
    text = {"safe_regex": {"regex": ".*"}} if match.value is None else {"exact": match.value}
    if match.cookie is not None:
        return {"cookies": [{"name": match.cookie, "string_match": text}]}
    present = {"present_match": True} if match.value is None else {"string_match": text}
    return {"headers": [{"name": match.header, **present}]}


def _copies(steering: Steering, new: str) -> Copies | None:
    if not new or steering.mirror is None:
        return None
    share = round(steering.mirror.percent / 100 * MILLION)
    return Copies(cluster=new, methods=steering.mirror.methods, share=share) if share else None


def _by_request(shares: Shares, new: str, copies: Copies | None) -> Iterator[Lane]:
    """What the new revision answers itself is not copied to it, so it has a lane of its own where there are copies."""
    if copies is None or new not in dict(shares):
        yield Lane(to=shares, copies=copies)
        return
    others = tuple(share for share in shares if share[0] != new)
    if others:
        part = {"numerator": _edges(shares, MILLION)[0], "denominator": "MILLION"}
        yield Lane(match={"runtime_fraction": {"default_value": part}}, to=((new, 1),))
        yield Lane(to=others, copies=copies)
    else:
        yield Lane(to=shares)


def _by_user(shares: Shares, name: str, mark: str, new: str, copies: Copies | None) -> Iterator[Lane]:
    """First those who have their number, then the others, to whom it is given."""
    given = f"{name}={mark}.%REQ(X-REQUEST-ID):4%; Path=/; Max-Age={REMEMBERED}; HttpOnly; SameSite=Lax"  # no Secure: plain HTTP
    edges = _edges(shares, USERS)
    for known in (True, False):
        for (cluster, _), edge in zip(shares, edges, strict=True):
            if edge == 0:
                continue
            number = _below(edge) if edge < USERS else _NUMBER
            if known:
                match: Json = {"cookies": [_cookie(name, rf"{mark}\.(?:{number})")]}
            else:
                match = {"headers": [_request_id(number)]} if edge < USERS else {}
            kept = None if cluster == new else copies
            yield Lane(match=match, to=((cluster, 1),), copies=kept, cookie="" if known else given)


def _cookie(name: str, regex: str) -> Json:
    return {"name": name, "string_match": {"safe_regex": {"regex": regex}}}


def _request_id(number: str) -> Json:
    return {"name": "x-request-id", "string_match": {"safe_regex": {"regex": f"(?:{number}).*"}}}


def _edges(shares: Shares, whole: int) -> Sequence[int]:
    """Where each share ends, when `whole` is divided among them in order: the first edge depends on the first share alone."""
    total = sum(weight for _, weight in shares)
    return [round(whole * sum(weight for _, weight in shares[: i + 1]) / total) for i in range(len(shares))]


def _below(edge: int) -> str:
    """A regular expression for the numbers below `edge` (1 to 65535), as four hexadecimal digits."""
    digits = f"{edge:04x}"
    found = [
        f"{digits[:place]}[{_HEX[: int(digit, 16)]}]" + "[0-9a-f]" * (3 - place)
        for place, digit in enumerate(digits)
        if digit != "0"
    ]
    return "|".join(found)


def _name(environment: Environment, service: RoutedService) -> str:
    """One for each service, and never another: cookies do not pile up from release to release."""
    return f"fairway-{_mark(f'{environment.key}.{service.service}')}"


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
