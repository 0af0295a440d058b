"""fairway prune: remove what is left of old releases."""

from __future__ import annotations

from collections.abc import Sequence

from fairway.cli.common import Common, Flag, Json, Options, Wait, show, show_json, size, table, warn
from fairway.cli.progress import progress
from fairway.cli.session import Session, session
from fairway.flows.prune import Pruned, tidy
from fairway.flows.prune import prune as remove
from fairway.model.errors import FairwayError
from fairway.model.garbage import Garbage


async def prune(
    environment: str | None = None,
    *,
    dry_run: Flag = False,
    wait: Wait = "0",
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Remove what is left of old releases on the hosts, and in the registry where fairway.yaml says so.

    The last `keep_releases` that served users can still be rolled back to; whatever they need, or anything that runs, or another
    environment, stays. Volumes with data are never removed.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    dry_run:
        Say what would be removed; remove nothing.
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    async with session(options, environment, "prune", wait, changes=not dry_run) as here:
        collectors, retention = here.connection.collectors(), here.connection.retention
        with progress() as emit:
            done = await remove(here.target, collectors, retention, emit, dry_run=dry_run)
        here.told.dropped, here.told.changed = done.releases, bool(done.removed or done.releases) and not dry_run
    if json:
        show_json({"environment": here.name, "dry_run": dry_run, **_facts(done)})
    else:
        show(_text(done, dry_run))


async def tidied(here: Session) -> None:
    """After a deployment. That it fails is no failure of the deployment."""
    if not here.connection.project.settings.prune.after_deploy:
        return
    try:
        with progress() as emit:
            done = await tidy(here.target, [here.connection.parts.collector], here.connection.retention, emit)
        here.told.dropped = done.releases if done else ()
    except FairwayError as error:
        warn(f"what is left of old releases was not removed: {error.what}; `fairway prune` tries again")


def _facts(done: Pruned) -> dict[str, object]:
    return {
        "removed": done.removed,
        "in_use": done.stays,
        "bytes": _bytes(done.removed),
        "releases": {"kept": done.kept, "removed": done.releases},
    }


def _bytes(garbage: Sequence[Garbage]) -> int:
    return sum(one.bytes or 0 for one in garbage)


def _text(done: Pruned, dry_run: bool) -> str:
    lines = []
    if dry_run and done.removed:
        heads = ("WHERE", "WHAT", "NAME", "SIZE", "WHY")
        lines.append(table(heads, [_row(one) for one in done.removed]))
    lines += [f"in use, and left alone: the {one.kind} {one.name or one.id} of {one.where}" for one in done.stays]
    what = f"{len(done.removed)} things, {size(_bytes(done.removed))} of images"
    numbers = f"; releases {_numbers(done.releases)} can not be rolled back to any more" if done.releases else ""
    kept = f"kept: {_numbers(done.kept)}" if done.kept else "there is no release"
    if not done.removed and not done.releases:
        return "\n".join([*lines, f"nothing to remove; {kept}"])
    return "\n".join([*lines, f"{'would remove' if dry_run else 'removed'} {what}{numbers}; {kept}"])


def _row(one: Garbage) -> tuple[str, ...]:
    return (one.where, one.kind, one.name or one.id[:19], size(one.bytes) if one.bytes is not None else "", one.why)


def _numbers(numbers: Sequence[int]) -> str:
    """1 to 7, 9."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
