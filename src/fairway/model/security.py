"""What an audit finds: each finding with its rule, its place, and the change that mends it."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from msgspec import Struct

from fairway.model.app import Location
from fairway.model.errors import Problem


class Severity(StrEnum):
    """From what gives the host away to what is good to know."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return list(Severity).index(self)

    def at_least(self, other: Severity) -> bool:
        return self.rank <= other.rank


class Finding(Struct, frozen=True, kw_only=True):
    """`where` is a place in a file, where it has one; `service` or `host` is whom it is about. `mend` is the change, to the letter."""

    rule: str
    severity: Severity
    title: str
    what: str
    why: str
    mend: str
    service: str = ""
    host: str = ""
    where: Location | None = None


class Acceptance(Struct, frozen=True, kw_only=True):
    """A finding that is known, and lived with: of `rule`, in `service`, on `host`; wherever it is, where they are empty."""

    rule: str
    because: str
    service: str = ""
    host: str = ""
    until: date | None = None
    where: Location | None = None

    def covers(self, finding: Finding) -> bool:
        return self.rule == finding.rule and self.service in ("", finding.service) and self.host in ("", finding.host)


class Accepted(Struct, frozen=True):
    finding: Finding
    acceptance: Acceptance


class Unseen(Struct, frozen=True):
    """What was not looked at, and why."""

    what: str
    why: str


class Audit(Struct, frozen=True, kw_only=True):
    """`findings` come worst first. `problems`: acceptances that cannot be meant so; `doubts`: those that cover nothing any more."""

    findings: tuple[Finding, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    problems: tuple[Problem, ...] = ()
    doubts: tuple[Problem, ...] = ()

    def reaching(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings that are at least so severe."""
        return tuple(finding for finding in self.findings if finding.severity.at_least(severity))
