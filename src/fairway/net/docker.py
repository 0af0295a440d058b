"""A connection to a Docker engine, over a unix socket, TCP with TLS, or ssh."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_address
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from fairway.model.errors import EngineError, EngineUnreachable, UsageError, shorten
from fairway.net.client import Docker, DockerError
from fairway.net.errors import unreachable
from fairway.net.http import CHUNK, Dial
from fairway.net.tls import Tls

OLDEST = (1, 41)
"""Docker 20.10."""
NEWEST = (1, 51)
"""What this client was written for; a newer engine is spoken to in this version while it still understands it."""
TOLD_APART = 2.0
"""Seconds from which on a host's clock, which tells whole seconds and over a network, is known to differ from ours."""
MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
FORMS = "unix:///var/run/docker.sock, ssh://user@host or tcp://host:2376"


_ahead: WeakKeyDictionary[Docker, float] = WeakKeyDictionary()


@asynccontextmanager
async def connect(address: str, *, tls: Tls | None = None, timeout: float = 10.0) -> AsyncIterator[Docker]:
    """A client of the engine at `address`, that has answered once; its API version is negotiated.

    `timeout` (seconds) is for the first answer and for each new connection; calls may take as long as they need.
    Raises EngineUnreachable (why, and what to do), EngineError for an engine that is too old or too new, UsageError for
    an address that is none.
    """
    match address.partition("://")[0]:
        case "unix":
            async with _client(_unix(address.removeprefix("unix://")), address, timeout=timeout) as docker:
                yield docker
        case "tcp" | "https":
            async with _client(_tcp(address, tls), address, timeout=timeout, tls=tls is not None) as docker:
                yield docker
        case "ssh":
            async with _over_ssh(address, timeout) as docker:
                yield docker
        case _:
            raise UsageError(f"{address!r} is no address of a Docker engine", hint=FORMS)


@asynccontextmanager
async def _over_ssh(address: str, timeout: float) -> AsyncIterator[Docker]:
    from fairway.net.ssh import refused, tunnel  # what it needs costs those who need no ssh 5 ms

    async with tunnel(address, timeout=2 * timeout) as way:
        try:
            async with _client(_unix(str(way.socket)), address, timeout=timeout) as docker:
                yield docker
        except EngineUnreachable as error:
            if way.said:
                raise refused(way.address, way.said) from error
            raise


def _unix(path: str) -> Dial:
    return partial(asyncio.open_unix_connection, path, limit=CHUNK)


def _tcp(address: str, tls: Tls | None) -> Dial:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{address!r} is no address", why=str(error), hint=FORMS) from error
    if not host:
        raise UsageError(f"{address!r} names no host", hint=FORMS)
    if not tls and not _loopback(host):
        raise UsageError(
            f"{address} needs TLS: whoever reaches a Docker engine is root on its host",
            hint="give the host `tls: {ca: …, cert: …, key: …}` in fairway.yaml, or use ssh://",
        )
    context = tls.context() if tls else None
    return partial(asyncio.open_connection, host, port or (2376 if tls else 2375), ssl=context, limit=CHUNK)


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@asynccontextmanager
async def _client(dial: Dial, address: str, *, timeout: float, tls: bool = False) -> AsyncIterator[Docker]:
    async with Docker(dial, timeout=timeout) as docker:
        docker.api_version = negotiate(await _version(docker, address, timeout, tls), address)
        yield docker


async def _version(docker: Docker, address: str, timeout: float, tls: bool) -> dict[str, str]:
    """What the engine says of itself: a ping, which costs it nothing, tells enough of one that is not newer than this client."""
    try:
        async with asyncio.timeout(timeout):
            if OLDEST <= _pair(told := await _pinged(docker)) <= NEWEST:
                return {"ApiVersion": told}
            async with docker.open("GET", "version") as answer:
                _ahead[docker] = ahead(answer.headers.get("date", ""), time.time())
                status, text = answer.status, (await answer.read()).decode(errors="replace")
    except DockerError as error:
        status, text = error.status, error.message
    except (OSError, TimeoutError) as error:
        raise unreachable(address, error, timeout, tls=tls) from error
    try:
        said = json.loads(text)
        if status == 200 and said["ApiVersion"]:
            return dict(said)
    except (ValueError, KeyError, TypeError):
        pass
    raise EngineUnreachable(
        f"It is no Docker engine that answers at {address}",
        where=address,
        why=shorten(f"{status}: {text}", 200),
        hint="the engine expects TLS: give its certificates" if "HTTPS server" in text else "check the address",
    )


async def _pinged(docker: Docker) -> str:
    """The newest API version that it speaks; empty where it does not tell."""
    try:
        async with docker.open("GET", "_ping") as answer:
            _ahead[docker] = ahead(answer.headers.get("date", ""), time.time())
            told = answer.headers.get("api-version", "")
            await answer.read()
    except DockerError:
        return ""
    return told


def negotiate(version: dict[str, str], address: str) -> str:
    """The newest API version that both sides know (`v1.41`). Raises EngineError where there is none."""
    newest, oldest = _pair(version["ApiVersion"]), _pair(version.get("MinAPIVersion", "1.12"))
    name = f"Docker {version.get('Version', '?')} at {address}"
    if newest < OLDEST:
        raise EngineError(
            f"{name} is too old",
            where=address,
            why=f"it speaks API {_text(newest)}, and Fairway needs {_text(OLDEST)}",
            hint="Docker 20.10 or newer",
        )
    if oldest > NEWEST:
        raise EngineError(
            f"{name} is too new",
            where=address,
            why=f"it refuses API versions below {_text(oldest)}, and this Fairway speaks {_text(NEWEST)}",
            hint="a newer Fairway",
        )
    return f"v{_text(min(newest, NEWEST))}"


def _pair(text: str) -> tuple[int, int]:
    found = re.match(r"v?(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _text(pair: tuple[int, int]) -> str:
    return f"{pair[0]}.{pair[1]}"


def ahead(date: str, now: float) -> float:
    """By how many seconds the clock that wrote a Date header is ahead of `now` (seconds since the epoch); 0 where it may be right."""
    try:
        found = _seconds(date) + 0.5 - now
    except (ValueError, IndexError):
        return 0.0
    return found if abs(found) >= TOLD_APART else 0.0


def _seconds(date: str) -> float:
    """Of `Sun, 29 Nov 2026 18:44:49 GMT`, since the epoch. Raises ValueError, IndexError."""
    _, day, month, year, clock, _ = date.split()
    hours, minutes, seconds = map(int, clock.split(":"))
    return datetime(int(year), MONTHS.index(month) // 3 + 1, int(day), hours, minutes, seconds, tzinfo=UTC).timestamp()


def host_time(docker: Docker) -> float:
    """Seconds since the epoch, as the engine's host has them: releases, and for how long they are held, are kept there."""
    return time.time() + _ahead.get(docker, 0.0)


def api_version(docker: Docker) -> tuple[int, int]:
    """The version that `connect` has negotiated."""
    return _pair(docker.api_version)
