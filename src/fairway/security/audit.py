"""A case → what is wrong with it, what of that is accepted, and what is doubtful about the acceptances. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches

from fairway.model.errors import Problem
from fairway.model.security import Acceptance, Accepted, Audit, Finding, Unseen
from fairway.security.rule import Case
from fairway.security.rules import BY_ID, RULES


def audit(case: Case, acceptances: Collection[Acceptance] = (), unseen: Collection[Unseen] = ()) -> Audit:
    """Findings worst first, then in the order of the rules. An acceptance counts up to and on its last day."""
    found = [finding for rule in RULES for finding in rule.findings(case)]
    live = [one for one in acceptances if not one.until or case.today <= one.until]
    covered = {index: one for index, finding in enumerate(found) if (one := _cover(live, finding))}
    open_ = [finding for index, finding in enumerate(found) if index not in covered]
    return Audit(
        findings=tuple(sorted(open_, key=lambda finding: finding.severity.rank)),
        accepted=tuple(Accepted(found[index], one) for index, one in covered.items()),
        unseen=tuple(unseen),
        problems=tuple(_problems(case, acceptances)),
        doubts=tuple(_doubts(case, acceptances, found, complete=not unseen)),
    )


def _cover(acceptances: Collection[Acceptance], finding: Finding) -> Acceptance | None:
    return next((one for one in acceptances if one.covers(finding)), None)


def _problems(case: Case, acceptances: Collection[Acceptance]) -> Iterator[Problem]:
    """Rules and services that there are not."""
    for one in acceptances:
        if one.rule not in BY_ID:
            near = get_close_matches(one.rule, BY_ID, n=1)
            hint = f"did you mean {near[0]}?" if near else "`fairway docs security` lists them"
            yield Problem(f"there is no rule {one.rule}", one.where, hint=hint)
        if one.service and one.service not in case.app.services and ("services", one.service) not in case.app.locations:
            yield Problem(f"the application has no service `{one.service}`", one.where)


def _doubts(
    case: Case, acceptances: Collection[Acceptance], found: Collection[Finding], *, complete: bool
) -> Iterator[Problem]:
    """What has run out; and what covers nothing, where everything was looked at."""
    for one in acceptances:
        hits = any(one.covers(finding) for finding in found)
        if one.until and case.today > one.until and hits:
            yield Problem(f"{one.rule} was accepted until {one.until}", one.where, hint="mend it, or decide anew")
        elif complete and not hits and one.rule in BY_ID:
            yield Problem(f"{one.rule} is accepted, and is not found any more", one.where, hint="take it out")
