"""TLS for users: the certificates that fairway.yaml names, read from this machine's files, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from fairway.gateway.edge import EdgeTls
from fairway.model.app import Path as Keys
from fairway.model.edge import Certificate
from fairway.model.errors import Problem
from fairway.model.policy import ServicePolicy
from fairway.model.secret import Secret
from fairway.settings.model import EdgeCertificate

if TYPE_CHECKING:
    from fairway.net.certificates import Facts
    from fairway.wiring.checkout import Project

ANY = "*"
READABLE = 0o044


class Found(Struct, frozen=True):
    """The certificates that can be used, what is wrong, and what is only doubtful."""

    certificates: tuple[Certificate, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def edge_tls(project: Project) -> EdgeTls | None:
    """For the gateway: the files are read when it needs them. None where the settings have no TLS."""
    gateway = project.settings.gateway
    if not gateway.tls:
        return None
    return EdgeTls(files=partial(certificates, project), port=gateway.https, redirect=gateway.redirect)


def certificates(project: Project) -> Sequence[Certificate] | None:
    """In the order of the file; None where something is wrong with them.

    Who deploys was told that before; a rollback from a machine without the files has to work all the same.
    """
    found = look(project, "", {})
    return None if found.problems else found.certificates


def look(project: Project, environment: str, policies: Mapping[str, ServicePolicy]) -> Found:
    """The certificates, and whether the hosts of all routes have one."""
    problems: list[Problem] = []
    warnings: list[Problem] = []
    usable: list[Certificate] = []
    known: list[Facts] = []
    gateway = project.settings.gateway
    for keys, said in zip(_places(project), gateway.tls, strict=True):
        read = _read(project, keys, said, warnings)
        if isinstance(read, Problem):
            problems.append(read)
            continue
        usable.append(read[0])
        known.append(read[1])
    if known and not problems:
        (problems if gateway.redirect else warnings).extend(_bare(project, environment, policies, known))
    return Found(tuple(usable), tuple(problems), tuple(warnings))


def _places(project: Project) -> list[Keys]:
    """Where each certificate stands in fairway.yaml: one alone need not be in a list."""
    count = len(project.settings.gateway.tls)
    listed = ("gateway", "tls", "0") in project.settings.locations
    return [("gateway", "tls", str(number)) if listed else ("gateway", "tls") for number in range(count)]


def _read(
    project: Project, keys: Keys, said: EdgeCertificate, warnings: list[Problem]
) -> tuple[Certificate, Facts] | Problem:
    from fairway.net.certificates import read

    def problem(key: str, what: str, hint: str = "") -> Problem:
        return Problem(what, project.settings.where(*keys, key), (*keys, key), hint)

    contents: dict[str, bytes] = {}
    for key, name in {"cert": said.cert, "key": said.key}.items():
        try:
            contents[key] = (project.directory / name).read_bytes()
        except OSError as error:
            return problem(key, f"{name} cannot be read: {error.strerror}", "paths are relative to fairway.yaml")
    if (project.directory / said.key).stat().st_mode & READABLE:
        warnings.append(problem("key", f"others on this machine can read {said.key}", f"chmod 600 {said.key}"))
    certificate = Certificate(chain=contents["cert"].decode(errors="replace"), key=Secret(contents["key"]))
    try:
        facts = read(certificate)
    except ValueError as error:
        return problem("key" if "key" in str(error) else "cert", f"{said.cert} cannot be used: {error}")
    now = datetime.now(UTC)
    if facts.ends < now:
        return problem("cert", f"{said.cert} has expired: {facts.ends:%Y-%m-%d %H:%M} UTC", "renew it")
    if facts.begins > now:
        return problem("cert", f"{said.cert} does not count before {facts.begins:%Y-%m-%d %H:%M} UTC")
    if facts.ending(now):
        warnings.append(problem("cert", f"{said.cert} ends soon: {facts.ends:%Y-%m-%d %H:%M} UTC", "renew it"))
    return certificate, facts


def _bare(
    project: Project, environment: str, policies: Mapping[str, ServicePolicy], known: Sequence[Facts]
) -> Iterator[Problem]:
    """The hosts of routes and previews that no certificate has. What a route for any host is asked by is not known."""
    hint = "add a certificate that has it to `gateway.tls`; with `redirect: false` it is still answered in plain HTTP"
    for service, policy in policies.items():
        hosts = [*(policy.route.hosts if policy.route else ()), policy.rollout.preview or ANY]
        for host in hosts:
            if host != ANY and not any(facts.covers(host) for facts in known):
                keys: Keys = (
                    "services",
                    service,
                    "route" if policy.route and host in policy.route.hosts else "rollout",
                )
                here = ("environments", environment, *keys)
                keys = here if here in project.settings.locations else keys
                yield Problem(f"no certificate has the name {host}", project.settings.where(*keys), keys, hint)
