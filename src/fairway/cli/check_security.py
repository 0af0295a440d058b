"""fairway check --security: what is wrong with the safety of an environment, worst first, and what mends it."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from textwrap import wrap

from fairway import wiring
from fairway.cli.common import show, show_json, warn
from fairway.cli.errors import near
from fairway.cli.progress import progress
from fairway.flows.audit import inspect
from fairway.model.errors import Exit, InvalidFiles, UsageError
from fairway.model.security import Audit, Finding, Severity

COLOURS = {Severity.CRITICAL: 31, Severity.HIGH: 31, Severity.MEDIUM: 33, Severity.LOW: 36, Severity.INFO: 2}
WIDTH = 116


def severity(text: str) -> Severity:
    """Raises UsageError."""
    if text not in set(Severity):
        raise UsageError(f"--fail-on {text} is no severity", hint=f"one of: {', '.join(Severity)}")
    return Severity(text)


async def check_security(
    project: wiring.Project, names: list[str], *, offline: bool, json: bool, fail_on: str | None, sarif: str | None
) -> int:
    """The exit status."""
    limit = severity(fail_on) if fail_on else None
    if sarif and sarif.startswith("--"):
        raise UsageError("--sarif needs a file", hint="--sarif FILE, or --sarif - for standard output")
    if json and sarif == "-":
        raise UsageError("--json and --sarif - are both for standard output", hint="name a file for one: --sarif FILE")
    audits = {name: await _look(project, name, offline) for name in names}
    if sarif:
        _write(project, audits, sarif)
    if json:
        show_json(audits)
    elif sarif != "-":
        show("\n\n".join("\n".join(text(name, audit)) for name, audit in audits.items()))
    if limit and any(audit.reaching(limit) for audit in audits.values()):
        return Exit.REFUSED
    return Exit.PARTIAL if any(audit.unseen for audit in audits.values()) and not offline else Exit.DONE


async def _look(project: wiring.Project, name: str, offline: bool) -> Audit:
    """Raises InvalidFiles, for acceptances too that cannot be meant so."""
    from fairway.wiring.audit import inspectors, papers

    app = project.app(name)
    with progress() as emit:
        found = await inspect(await papers(project, name, app), None if offline else inspectors(project, name), emit)
    if found.problems:
        raise InvalidFiles(found.problems)
    for doubt in found.doubts:
        warn(f"{near(doubt.where)}: {doubt.what}{f' ({doubt.hint})' if doubt.hint else ''}")
    return found


def _write(project: wiring.Project, audits: Mapping[str, Audit], target: str) -> None:
    from importlib.metadata import version

    from fairway.security.sarif import sarif

    inside = (place for place in (project.directory, *project.directory.parents) if (place / ".git").exists())
    root = next(inside, project.directory)
    document = sarif(audits, root=str(root), settings=str(project.directory / wiring.FILE), version=version("fairway"))
    written = json_module.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if target == "-":
        sys.stdout.write(written)
        return
    try:
        Path(target).write_text(written, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{target} cannot be written", why=error.strerror or str(error)) from None


def text(name: str, audit: Audit) -> Iterator[str]:
    """By severity, and what is wrong in several places in the same way is explained once."""
    yield f"{name}: {_counted(audit)}"
    for level, findings in groupby(audit.findings, lambda finding: finding.severity):
        yield ""
        yield _painted(level)
        by_rule: dict[tuple[str, str], list[Finding]] = {}
        for finding in findings:
            by_rule.setdefault((finding.rule, finding.mend), []).append(finding)
        for same in by_rule.values():
            yield from _rule(same)
    if audit.accepted:
        yield ""
        yield "accepted"
    for finding, acceptance in ((one.finding, one.acceptance) for one in audit.accepted):
        until = f", until {acceptance.until}" if acceptance.until else ""
        yield f"  {finding.rule}  {finding.what}: {acceptance.because}{until}"
    if audit.unseen:
        yield ""
    for unseen in dict.fromkeys(audit.unseen):
        yield f"? not looked at: {unseen.what}: {unseen.why}"


def _counted(audit: Audit) -> str:
    counts = [f"{sum(f.severity is level for f in audit.findings)} {level}" for level in Severity]
    some = [count for count in counts if not count.startswith("0 ")]
    accepted = f", {len(audit.accepted)} accepted" if audit.accepted else ""
    return f"{', '.join(some) or 'nothing found'}{accepted}"


def _painted(level: Severity) -> str:
    return f"\033[{COLOURS[level]}m{level}\033[0m" if sys.stdout.isatty() else level


def _rule(findings: list[Finding]) -> Iterator[str]:
    first = findings[0]
    yield f"  {first.rule}  {first.title}"
    places = [str(near(finding.where) or "") for finding in findings]
    width = max(map(len, places))
    for place, finding in dict.fromkeys(zip(places, findings, strict=True)):
        yield f"    {place.ljust(width)}  {finding.what}" if width else f"    {finding.what}"
    for mark, said in (("why: ", first.why), ("→ ", first.mend)):
        yield from wrap(said, WIDTH, initial_indent=f"      {mark}", subsequent_indent=" " * 8, break_on_hyphens=False)
