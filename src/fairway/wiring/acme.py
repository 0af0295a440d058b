"""Certificates from an authority: which names they are for, and what of the settings cannot work."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from fairway.model.errors import Problem
from fairway.model.issuance import Names
from fairway.render.envoy_edge import ROOM
from fairway.settings.model import AcmeSettings, GatewaySettings

if TYPE_CHECKING:
    from fairway.net.certificates import Facts
    from fairway.wiring.checkout import Project

ANY = "*"
ASKED_AT = 80
"""The port at which authorities ask (RFC 8555, 8.3)."""
READABLE = 0o044


def wanted(acme: AcmeSettings, hosts: Collection[str], known: Sequence[Facts]) -> tuple[Names, ...]:
    """The names of each certificate. `hosts` are those that are routed, `known` the certificates from files."""
    if acme.hosts:
        groups = (tuple(name for name in names if _routed(name, hosts)) for names in acme.hosts)
        return tuple(names for names in groups if names)
    plain = sorted(host for host in hosts if not host.startswith(ANY))  # in one order, whoever asks
    return tuple((host,) for host in plain if not any(facts.covers(host) for facts in known))


def _routed(name: str, hosts: Collection[str]) -> bool:
    above = name.partition(".")[2]
    return name in hosts or ANY in hosts or f"*.{above}" in hosts


def bare(host: str, acme: AcmeSettings | None) -> str:
    """What to do about a host name that no certificate from a file has; nothing where an authority is asked for one."""
    if acme is None:
        return (
            "add a certificate that has it to `gateway.tls`; with `redirect: false` it is still answered in plain HTTP"
        )
    names = {name for group in acme.hosts for name in group}
    if host.startswith("*."):
        listed = any(name.partition(".")[2] == host[2:] for name in names)
        hint = "an authority gives none over HTTP: list the names that users ask for in `gateway.acme.hosts`, or bring one in `gateway.tls`"
        return "" if listed else hint
    return (
        ""
        if not names or host in names
        else "add it to `gateway.acme.hosts`, or leave those out: then every host name has one"
    )


def crowded(project: Project, hosts: Collection[str], known: Sequence[Facts]) -> Iterator[Problem]:
    """More certificates than a gateway has room for."""
    gateway = project.settings.gateway
    groups = wanted(gateway.acme, hosts, known) if gateway.acme else ()
    count = len(gateway.tls) + len(groups)
    if count > ROOM:
        where = ("gateway", "acme")
        what = f"there would be {count} certificates, and a gateway has room for {ROOM}"
        names = ", ".join(name for group in groups[:2] for name in group)
        hint = (
            f"let names share one: `hosts: [[{names}], …]`; each that stands in a list of its own has one for all of it"
        )
        yield Problem(what, project.settings.where(*where), where, hint)


def acme_problems(project: Project, acme: AcmeSettings) -> Iterator[Problem]:
    """Files that cannot be read. The customer's key is needed once alone."""
    for keys, file in _files(acme):
        if keys[-1] == "hmac_file":
            continue
        try:
            (project.directory / file).read_bytes()
        except OSError as error:
            what = f"{file} cannot be read: {error.strerror}"
            yield Problem(what, project.settings.where(*keys), keys, "paths are relative to fairway.yaml")


def acme_warnings(project: Project, gateway: GatewaySettings) -> Iterator[Problem]:
    where = ("gateway", "http")
    if gateway.http != ASKED_AT:
        what = f"authorities ask at port {ASKED_AT}, and the gateway listens on {gateway.http}"
        hint = "something before it has to lead from one to the other"
        yield Problem(what, project.settings.where(*where), where, hint)
    for keys, file in _files(gateway.acme) if gateway.acme else ():
        path = project.directory / file
        if keys[-1] == "hmac_file" and path.exists() and path.stat().st_mode & READABLE:
            yield Problem(
                f"others on this machine can read {file}", project.settings.where(*keys), keys, f"chmod 600 {file}"
            )


def _files(acme: AcmeSettings) -> Iterator[tuple[tuple[str, ...], str]]:
    if acme.ca:
        yield ("gateway", "acme", "ca"), acme.ca
    if acme.eab:
        yield ("gateway", "acme", "eab", "hmac_file"), acme.eab.hmac_file
