"""fairway hosts bootstrap: from a bare Debian or Ubuntu to a working, hardened Docker host."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

from fairway.cli.common import Common, Flag, Json, Options, show, show_json
from fairway.cli.hosts import findings
from fairway.flows.bootstrap import Did, Story, Told
from fairway.flows.hosts import hosts as look
from fairway.model.errors import Exit
from fairway.wiring.bootstrap import PATIENCE, SshMachine, machine

MARKS = {Did.DOING: "…", Did.NOTHING: "✓", Did.DONE: "+", Did.WOULD: "~", Did.ADVICE: "!", Did.PROBLEM: "✗"}


async def bootstrap(
    target: str,
    *,
    environment: str | None = None,
    dry_run: Flag = False,
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> int:
    """Make a working, hardened Docker host of a bare Debian or Ubuntu. It can be run again at any time.

    Ends with 0 where the host is ready, 4 where some problem is left.

    Parameters
    ----------
    target:
        ssh://user@host:port, or the name of a host of --environment.
    environment:
        Whose host it is.
    dry_run:
        Say what would be done; change nothing.
    json:
        Print JSON.
    """
    here = machine(options.directory, target, environment)
    told = [each async for each in _told(here, dry_run=dry_run, quiet=json)]
    reports = () if dry_run else await look([here.known()], PATIENCE)
    left = any(each.did is Did.PROBLEM for each in told) or any(report.problems for report in reports)
    if json:
        host = {"host": here.name, "address": here.address, "dry_run": dry_run}
        show_json({**host, "steps": told, "report": reports[0] if reports else None})
    elif reports:
        nothing = "" if any(each.did is Did.DONE for each in told) else "; nothing was changed"
        state = f"{'something is left to do' if left else 'it is ready'}{nothing}"
        show("\n".join(["", f"{here.name}: {state}", *findings(reports)]))
    return Exit.PARTIAL if left else Exit.DONE


async def _told(here: SshMachine, *, dry_run: bool, quiet: bool) -> AsyncIterator[Told]:
    """Shown as they come, unless `quiet`."""
    async for each in Story(here.name, here, dry_run=dry_run).run():
        if not quiet and (each.did is not Did.DOING or sys.stdout.isatty()):
            show(_line(each))
            sys.stdout.flush()
        if each.did is not Did.DOING:
            yield each


def _line(told: Told) -> str:
    lines = [f"{MARKS[told.did]} {told.step:<8} {'would: ' if told.did is Did.WOULD else ''}{told.what}"]
    lines += [f"    {'why: ' if not index else '     '}{line}" for index, line in enumerate(told.why.splitlines())]
    if told.hint:
        lines.append(f"    → {told.hint}")
    return "\n".join(lines)
