"""TLS for users: the certificates that fairway.yaml names, read from this machine's files, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from fairway.model.app import Path as Keys
from fairway.model.edge import Certificate
from fairway.model.errors import Problem
from fairway.model.policy import ServicePolicy
from fairway.model.secret import Secret
from fairway.settings.model import EdgeCertificate
from fairway.wiring.acme import acme_problems, acme_warnings, bare, crowded

if TYPE_CHECKING:
    from fairway.net.certificates import Facts
    from fairway.wiring.checkout import Project

ANY = "*"
READABLE = 0o044


class Found(Struct, frozen=True):
    """The certificates that can be used, each with its file, what is wrong, and what is only doubtful."""

    files: tuple[tuple[str, Certificate], ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        return tuple(certificate for _, certificate in self.files)


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
    usable: list[tuple[str, Certificate]] = []
    known: list[Facts] = []
    gateway = project.settings.gateway
    for keys, said in zip(_places(project), gateway.tls, strict=True):
        read = _read(project, keys, said, warnings)
        if isinstance(read, Problem):
            problems.append(read)
            continue
        usable.append((said.cert, read[0]))
        known.append(read[1])
    if gateway.acme:
        problems += acme_problems(project, gateway.acme)
        problems += crowded(project, hosts_of(policies), known)
        warnings += acme_warnings(project, gateway)
    if (known or gateway.acme) and not problems:
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


def hosts_of(policies: Mapping[str, ServicePolicy]) -> tuple[str, ...]:
    """Of all routes, and previews."""
    found = [host for policy in policies.values() if policy.route for host in policy.route.hosts]
    return tuple(
        dict.fromkeys([*found, *(policy.rollout.preview for policy in policies.values() if policy.rollout.preview)])
    )


def _bare(
    project: Project, environment: str, policies: Mapping[str, ServicePolicy], known: Sequence[Facts]
) -> Iterator[Problem]:
    """The hosts of routes and previews that no certificate has. What a route for any host is asked by is not known."""
    acme = project.settings.gateway.acme
    for service, policy in policies.items():
        for host in hosts_of({service: policy}):
            if host == ANY or any(facts.covers(host) for facts in known):
                continue
            if hint := bare(host, acme):
                keys: Keys = (
                    "services",
                    service,
                    "route" if policy.route and host in policy.route.hosts else "rollout",
                )
                here = ("environments", environment, *keys)
                keys = here if here in project.settings.locations else keys
                yield Problem(f"no certificate has the name {host}", project.settings.where(*keys), keys, hint)
