"""fairway plan: what a deployment would do."""

from __future__ import annotations

from fairway.cli.common import Common, Flag, Json, Options, show, show_json
from fairway.cli.deployment import deployment
from fairway.cli.notes import notes, on_failure, wrapped
from fairway.cli.words import describe
from fairway.flows.proposal import Proposal, look


async def plan(
    environment: str | None = None,
    *,
    commit: str | None = None,
    dirty: Flag = False,
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Show what a deployment would do, step by step, and what happens if it fails; change nothing.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    commit:
        The tag of a build (its short hash); that of the checked-out commit where none is named.
    dirty:
        Take a tree that differs from its commit.
    json:
        Print JSON.
    """
    async with deployment(options, environment, "plan", dirty=dirty) as here:
        proposal = await look(here.target, await here.built(commit))
    if json:
        show_json(_facts(proposal))
    else:
        show(_text(proposal))


def _text(proposal: Proposal) -> str:
    number = proposal.release.number
    if not proposal.steps:
        return f"release {number} is what runs: a deployment would do nothing"
    lines = [f"release {number}, after {f'release {proposal.base.number}' if proposal.base else 'nothing'}", ""]
    lines += [f"  {change.service}: {_change(change.what, change.before, change.after)}" for change in proposal.changes]
    lines += ["", *(f"  {count}. {describe(step)}" for count, step in enumerate(proposal.steps, 1)), ""]
    lines += [f"  {note}" for note in wrapped([*notes(proposal), *on_failure(proposal)])]
    return "\n".join(lines)


def _change(what: str, before: str, after: str) -> str:
    if before and after:
        return f"{what} {before} → {after}"
    return f"{what} {after or before}".rstrip()


def _facts(proposal: Proposal) -> dict[str, object]:
    return {
        "release": proposal.release.number,
        "base": proposal.base.number if proposal.base else None,
        "changes": proposal.changes,
        "steps": [describe(step) for step in proposal.steps],
        "notes": notes(proposal),
        "on_failure": on_failure(proposal),
    }
