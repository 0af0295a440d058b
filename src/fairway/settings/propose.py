"""A first fairway.yaml for a Compose application, as text: guesses, each with a comment that says what to look at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fairway.model.app import App, Service
from fairway.settings.guess import Candidate, candidates, free_port, takes
from fairway.settings.twice import reasons

LOCAL: Mapping[str, str] = {"local": "unix:///var/run/docker.sock"}
_SAFE = re.compile(r"(?!(null|true|false|yes|no|on|off|y|n)$)[a-z]([a-z0-9._/:@-]*[a-z0-9/])?", re.IGNORECASE)


def propose(app: App, *, registry: str | None = None, hosts: Mapping[str, str] | None = None) -> str:
    """The text of fairway.yaml. It loads, and has no problems with `app`, if `registry` and `hosts` (by name) are right."""
    found = candidates(app)
    blocks = (
        _top(app, registry),
        _tests(app, found),
        _environments(hosts or LOCAL),
        _services(app, found),
        _gateway(app, found),
    )
    return "\n\n".join("\n".join(block) for block in map(list, blocks) if block) + "\n"


def _top(app: App, registry: str | None) -> Iterator[str]:
    yield "# From a commit to production. `fairway docs settings` explains every key; `fairway check` reads this file."
    yield ""
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", app.name):
        yield f"app: {_quoted(app.name)}"
    if registry:
        yield f"registry: {_quoted(registry)}"
    elif any(service.build for service in app.services.values()):
        yield "# The images stay on the one host that builds and runs them. With a registry, they are pushed to it:"
        yield "# registry: registry.example.com/team"


def _tests(app: App, found: list[Candidate]) -> Iterator[str]:
    built = [candidate.service for candidate in found if candidate.service.build]
    built += [service for service in app.services.values() if service.build and service not in built]
    if not built and not found:
        return
    yield "# What must hold before anything is pushed or deployed, shown by the very images that were just built."
    yield "test:"
    if built:
        yield "  # Unit tests in the image itself. Say how yours are run, and take the hashes away:"
        yield "  # unit:"
        yield f"  #   service: {_quoted(built[0].name)}"
        yield "  #   command: python3 -m unittest"
    if found:
        yield "  # The whole application is started and asked. Ask for something that needs all its parts, not for the front page."
        yield "  smoke:"
        yield "    up: true"
        yield "    http:"
        yield f"      service: {_quoted(found[0].service.name)}"
        yield f"      port: {found[0].port}"
        yield "      path: /"


def _environments(hosts: Mapping[str, str]) -> Iterator[str]:
    yield "environments:"
    yield "  production:"
    if hosts == LOCAL:
        yield "    # The Docker engine of this machine. Of another one: ssh://USER@HOST, or tcp://HOST:2376 with certificates."
    yield "    hosts:"
    for name, address in hosts.items():
        yield f"      {_quoted(name)}: {_quoted(address)}"


def _services(app: App, found: list[Candidate]) -> Iterator[str]:
    routed = found[0].service.name if found else None
    others = [service for service in app.services.values() if service.name != routed and reasons(service)]
    if found:
        yield "services:"
        yield from _routed(found[0])
    for candidate in found[1:]:
        yield ""
        yield f"  # {_plain(candidate.service.name)} may answer HTTP, too. With a host name of its own, users reach it through the gateway:"
        yield f"  # {_quoted(candidate.service.name)}:"
        yield f"  #   route: {{host: {_host(candidate.service)}.example.com, port: {candidate.port}}}"
    if others:
        yield ""
        yield f"{'  ' if found else ''}# These cannot run twice at once, so a new version of them starts when the old one has stopped:"
    for service in others:
        told = "; ".join(dict.fromkeys(_plain(reason.what) for reason in reasons(service)))
        yield f"{'  ' if found else ''}# {_plain(service.name)}: {told}"


def _routed(candidate: Candidate) -> Iterator[str]:
    service = candidate.service
    yield f"  {_quoted(service.name)}:"
    yield "    # The gateway passes on requests for any host; name yours (host: www.example.com) where it serves more than one."
    yield f"    route: {{port: {candidate.port}}}"
    if service.healthcheck and not service.healthcheck.disable:
        yield "    # A new replica gets traffic when its healthcheck passes."
    else:
        yield "    # There is no healthcheck: a new replica gets traffic when it has run for 2 s. Better, where it has such a path:"
        yield "    # ready: {http: /up}"
    for index, reason in enumerate(reasons(service)):
        if not index:
            yield "    # It cannot run twice, so each deployment interrupts it. To change that:"
        yield f"    # - {_plain(reason.what)}: {_plain(reason.remedy)}"


def _gateway(app: App, found: list[Candidate]) -> Iterator[str]:
    port = free_port(app)
    if not found or port == 80:
        return
    owners = ", ".join(_plain(service.name) for service in app.services.values() if takes(service, 80))
    yield f"# Port 80 of the host is published by {owners} in the Compose file. Drop it there, and the gateway can have it."
    yield f"gateway: {{http: {port}}}"


def _host(service: Service) -> str:
    return re.sub(r"[^a-z0-9]+", "-", service.name.lower()).strip("-") or "service"


def _quoted(text: str) -> str:
    """As YAML has it."""
    return text if _SAFE.fullmatch(text) else f"'{_plain(text).replace(chr(39), chr(39) * 2)}'"


def _plain(text: str) -> str:
    """On one line."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
