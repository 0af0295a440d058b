"""A rule is data: what it is called, how bad it is, why, what mends it; and a pure function that finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date

from msgspec import Struct, field

from fairway.model.app import App, Location, Service
from fairway.model.policy import ServicePolicy
from fairway.model.security import Finding, Severity
from fairway.model.security_facts import FileFacts, HostSecurity, ImageFacts, Maintained, Recipe


class Case(Struct, frozen=True, kw_only=True):
    """All that is looked at. `images` and `recipes` by service, `hosts` by name: of what is not there, nothing is known."""

    app: App
    known: Maintained
    today: date
    policies: Mapping[str, ServicePolicy] = field(default_factory=dict)
    images: Mapping[str, ImageFacts] = field(default_factory=dict)
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    hosts: Mapping[str, HostSecurity] = field(default_factory=dict)
    files: tuple[FileFacts, ...] = ()


class Found(Struct, frozen=True, kw_only=True):
    """One hit of a rule. `mend` and `severity` where they differ from the rule's."""

    what: str
    where: Location | None = None
    service: str = ""
    host: str = ""
    mend: str = ""
    severity: Severity | None = None


Find = Callable[[Case], Iterable[Found]]


class Rule(Struct, frozen=True, kw_only=True):
    """`id` never changes its meaning. `mend` is the change to make, as one writes it."""

    id: str
    title: str
    severity: Severity
    why: str
    mend: str
    find: Find

    def findings(self, case: Case) -> Iterator[Finding]:
        for found in self.find(case):
            yield Finding(
                rule=self.id,
                severity=found.severity or self.severity,
                title=self.title,
                what=found.what,
                why=self.why,
                mend=found.mend or self.mend,
                service=found.service,
                host=found.host,
                where=found.where,
            )


Look = Callable[[Case, Service], Iterable[Found]]


def each_service(look: Look) -> Find:
    """In the order of the file."""
    return lambda case: (found for service in case.app.services.values() for found in look(case, service))


def at(case: Case, service: Service, what: str, *path: str, mend: str = "", severity: Severity | None = None) -> Found:
    """A hit in a service, at a path below it or at its nearest ancestor that is written."""
    where = case.app.where("services", service.name, *path)
    return Found(what=f"{service.name} {what}", where=where, service=service.name, mend=mend, severity=severity)


def when(said: Callable[[Service], object], what: str, *path: str) -> Find:
    """For what a service is or is not, as a whole. A value that is true is told: `what` may have `{}` for it."""

    def look(case: Case, service: Service) -> Iterator[Found]:
        if value := said(service):
            yield at(case, service, what.format(value), *path)

    return each_service(look)
