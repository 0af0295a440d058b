"""fairway plan: what a deployment would do."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fairway.cli.common import Common, Flag, Json, Options, show, show_json
from fairway.cli.deployment import deployment
from fairway.cli.notes import notes, on_failure, wrapped
from fairway.cli.session import session
from fairway.cli.words import describe
from fairway.flows.proposal import Proposal, look
from fairway.model.hardening import Hardened


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
    async with session(options, environment, "plan") as here:
        planned = await deployment(here, dirty=dirty)
        proposal = await look(planned.target, await planned.built(commit))
        hardened = planned.hardened(proposal.release)
    if json:
        show_json(_facts(proposal) | {"hardening": hardened})
    else:
        show(_text(proposal, hardened))


def _text(proposal: Proposal, hardened: Collection[Hardened] = ()) -> str:
    number = proposal.release.number
    if not proposal.steps:
        return f"release {number} is what runs: a deployment would do nothing"
    lines = [f"release {number}, after {f'release {proposal.base.number}' if proposal.base else 'nothing'}", ""]
    lines += [f"  {change.service}: {_change(change.what, change.before, change.after)}" for change in proposal.changes]
    lines += ["", *(f"  {count}. {describe(step)}" for count, step in enumerate(proposal.steps, 1)), ""]
    lines += [f"  {note}" for note in wrapped([*told(hardened), *notes(proposal), *on_failure(proposal)])]
    return "\n".join(lines)


def told(hardened: Collection[Hardened]) -> Iterator[str]:
    """What `hardening: strict` has done: a line for all services that got the same, and one for each of which something is left."""
    same: dict[tuple[str, ...], list[str]] = {}
    for one in hardened:
        if one.added:
            same.setdefault(one.added, []).append(one.service)
    for added, services in same.items():
        yield f"{', '.join(services)}: hardened: {'; '.join(added)}"
    for one in hardened:
        if one.left:
            yield f"{one.service}: left as it is: {'; '.join(one.left)}"


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
