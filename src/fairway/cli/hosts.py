"""fairway hosts: what the hosts are, what room they have, and what is wrong with them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from fairway import wiring
from fairway.cli.common import UNKNOWN, Common, Json, Options, seconds, show, show_json, size, table
from fairway.cli.common import environment as chosen
from fairway.flows.hosts import Report
from fairway.flows.hosts import hosts as look
from fairway.model.errors import Exit, UsageError
from fairway.model.host_facts import Clock, HostFacts, Room
from fairway.model.host_findings import Finding, Level
from fairway.wiring.hosts import known

MARKS = {Level.PROBLEM: ("✗", 31), Level.ADVICE: ("!", 33)}
NAMES = {"running": "containers", "disk_used": "what Docker's data take", "disk": "free space", "clock": "clock"}


async def hosts(
    environment: str | None = None,
    *,
    json: Json = False,
    timeout: str = "15s",
    options: Options = Common(),  # noqa: B008
) -> int:
    """Show the hosts of an environment: what they are, what room they have, what is wrong with them and what to do.

    Ends with 0 where all is well, 4 where some host has a problem, 1 where none could be asked. Advice is no problem.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    json:
        Print JSON.
    timeout:
        How long each host has to tell what it is; they are asked side by side.
    """
    project = wiring.project(options.directory)
    name = chosen(project.settings, environment)
    patience = seconds(timeout)
    if patience <= 0:
        raise UsageError("--timeout is too short", hint="write 5s, or leave it out: 15s")
    reports = await look(await known(project, name, patience), patience)
    if json:
        show_json({"environment": name, "hosts": reports})
    else:
        show(_text(name, reports))
    return _exit(reports)


def _exit(reports: Iterable[Report]) -> Exit:
    if not any(report.facts for report in reports):
        return Exit.FAILED
    return Exit.PARTIAL if any(report.problems for report in reports) else Exit.DONE


def _text(environment: str, reports: tuple[Report, ...]) -> str:
    told = [(report.name, report.facts) for report in reports if report.facts]
    parts = [f"{environment}: {_answering(len(told), len(reports))}", _what_they_are(reports)]
    if told:
        heads = ("HOST", "CPUS", "RESERVED", "MEMORY", "RESERVED", "USED", "OURS", "OTHERS", "STOPPED")
        parts.append(table((*heads, "DOCKER'S DATA", "FREE", "CLOCK"), [_room(name, facts) for name, facts in told]))
    parts += ["\n".join(_unknown(told)), "\n".join(findings(reports))]
    return "\n\n".join(part for part in parts if part)


def _answering(answering: int, count: int) -> str:
    if count == 1:
        return "its host answers" if answering else "its host does not answer"
    if answering == count:
        return "both hosts answer" if count == 2 else f"all {count} hosts answer"
    return f"{answering} of {count} hosts answer"


def _what_they_are(reports: tuple[Report, ...]) -> str:
    heads = ("HOST", "ADDRESS", "EDGE", "LABELS", "ENGINE", "API", "SYSTEM", "KERNEL", "ARCH", "STORAGE", "CGROUP")
    rows = [heads, *map(_engine, reports)]
    # most fleets have no labels
    kept = [column for column, head in enumerate(heads) if head != "LABELS" or any(row[column] for row in rows[1:])]
    head, *lines = [tuple(row[column] for column in kept) for row in rows]
    return table(head, lines)


def _engine(report: Report) -> tuple[str, ...]:
    labels = " ".join(f"{key}={value}" for key, value in sorted(report.labels.items()))
    first = (report.name, report.address, "edge" if report.edge else "", labels)
    facts = report.facts
    if facts is None:
        return (*first, "no answer", *[""] * 6)
    cgroup = f"v{facts.cgroup}" if facts.cgroup else UNKNOWN
    said = (facts.engine, facts.api, facts.os, facts.kernel, facts.arch, facts.storage_driver)
    return (*first, *(text or UNKNOWN for text in said), cgroup)


def _room(name: str, facts: HostFacts) -> tuple[str, ...]:
    runs = facts.running
    return (
        name,
        f"{facts.cpus:g}" if facts.cpus else UNKNOWN,
        f"{runs.cpus:g}" if runs else UNKNOWN,
        size(facts.memory),
        size(runs.memory if runs else None),
        size(runs.memory_used if runs else None),
        *([str(runs.ours), str(runs.others), str(runs.stopped)] if runs else [UNKNOWN] * 3),
        size(facts.disk_used),
        _free(facts.disk),
        _clock(facts.clock),
    )


def _free(disk: Room | None) -> str:
    return f"{size(disk.free)} of {size(disk.size)}" if disk else UNKNOWN


def _clock(clock: Clock | None) -> str:
    return f"{clock.ahead:+.2f} s ± {clock.within:.2f}" if clock else UNKNOWN


def _unknown(told: list[tuple[str, HostFacts]]) -> Iterator[str]:
    """A line for each thing that is not known for the same reason, with the hosts."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for name, facts in told:
        for what, why in facts.unknown.items():
            grouped.setdefault((what, why), []).append(name)
    for (what, why), names in grouped.items():
        yield f"{UNKNOWN} {', '.join(names)}: {NAMES[what]}: {why}"


def findings(reports: tuple[Report, ...]) -> Iterator[str]:
    """Problems first; what is wrong with several hosts in the same way is said once."""
    grouped: dict[Finding, list[str]] = {}
    for report in reports:
        for finding in report.findings:
            grouped.setdefault(finding, []).append(report.name)
    for level in Level:
        for finding, names in grouped.items():
            if finding.level is level:
                yield f"{_mark(level)} {', '.join(names)}: {finding.what}"
                yield from (
                    f"    {'why: ' if not index else '     '}{line}"
                    for index, line in enumerate(finding.why.splitlines())
                )
                if finding.hint:
                    yield f"    → {finding.hint}"


def _mark(level: Level) -> str:
    mark, colour = MARKS[level]
    return f"\033[{colour}m{mark}\033[0m" if sys.stdout.isatty() else mark
