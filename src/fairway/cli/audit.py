"""fairway audit: who did what, when, from where, and what came of it."""

from __future__ import annotations

from fairway.cli.common import Common, Flag, Json, Options, show, show_json, table
from fairway.cli.session import session
from fairway.flows.trail import trail as look
from fairway.model.audit import Line
from fairway.model.errors import PolicyRefused, Problem


async def audit(
    environment: str | None = None,
    *,
    verify: Flag = False,
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Show what was done to an environment, oldest first, refusals and failures included.

    Each line names the hash of the one before it, and of its release; each release names the line before it.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    verify:
        End with 6 where a line, or the record of a release, was changed, removed, inserted or cut off.
    json:
        Print JSON.
    """
    async with session(options, environment, "audit") as here:
        lines, wrong = await look(here.target)
    if json:
        told = {"environment": here.name, "lines": lines}
        show_json(told | ({"problems": wrong, "whole": not wrong} if verify else {}))
    else:
        heads = ("LINE", "WHEN", "WHO", "FROM", "WHAT", "RELEASE", "OUTCOME", "REASON")
        show(table(heads, [_row(line) for line in lines]) if lines else "nothing was done here")
    if verify and wrong:
        problems = [Problem(what, here.name) for what in wrong]
        raise PolicyRefused("the audit trail is not whole", problems, hint="the ledger's volumes are fairway-ledger")
    if verify and not json:
        show(f"the trail is whole: {len(lines)} lines")


def _row(line: Line) -> tuple[str, ...]:
    entry = line.entry
    reason = f"overridden ({', '.join(entry.overridden)}): {entry.override}" if entry.override else ""
    missing = f"nobody told of {', '.join(map(str, line.unrecorded))}" if line.unrecorded else ""
    dropped = f"releases {', '.join(map(str, entry.dropped))} were removed" if entry.dropped else ""
    told = "; ".join(filter(None, [entry.detail, reason, dropped, missing]))
    release = str(entry.release or "")
    return (str(line.number), line.at, entry.who, entry.machine, entry.command, release, entry.outcome, told)
