"""fairway status: what serves, what is under way, and what is wrong."""

from __future__ import annotations

from fairway.cli.common import Common, Json, Options, show, show_json, table
from fairway.cli.judge import picture
from fairway.cli.ps import age
from fairway.cli.session import session
from fairway.flows.status import ServiceStatus, Status, UnderWay
from fairway.flows.status import status as look


async def status(environment: str | None = None, *, json: Json = False, options: Options = Common()) -> None:  # noqa: B008
    """Show what serves, what is under way, who holds the lease, and what is wrong.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    json:
        Print JSON.
    """
    async with session(options, environment, "status") as here:
        found = await look(here.target)
    if json:
        show_json(_facts(found))
    else:
        show(_text(found))


def _text(found: Status) -> str:
    lines = [f"{found.environment}: {_release(found)}"]
    if found.holder:
        lines.append(
            f"under way: {found.holder.doing}, by {found.holder.by}, since {age(found.holder.since, found.now)}"
        )
    if found.under_way:
        lines += _under_way(found.under_way, found.now)
    if found.services:
        heads = ("SERVICE", "REVISION", "UP", "TRAFFIC", "")
        lines += ["", table(heads, [_row(service, found.under_way) for service in found.services])]
    if found.problems:
        lines += ["", *(f"! {problem}" for problem in found.problems)]
    if found.release and not (found.converged or found.holder or found.under_way):
        lines += ["", "! what runs differs from the release: `fairway deploy` mends it"]
    return "\n".join(lines)


def _release(found: Status) -> str:
    if not found.release:
        return "nothing has been deployed"
    release = found.release
    commit = f", commit {release.build.commit.tag}" if release.build else ""
    return f"release {release.number}{commit}, {release.reason}, by {release.by}, {release.created}"


def _under_way(begun: UnderWay, now: float) -> list[str]:
    progress = begun.progress
    where = f"release {begun.number}"
    if begun.phases:
        where += (
            f", phase {progress.phase} of {begun.phases}" if progress.phase else f", before phase 1 of {begun.phases}"
        )
    where += f", since {age(progress.since, now)}" if progress.phase else ""
    lines = [where]
    if begun.approve:
        lines.append("  waits for `fairway approve`")
    if begun.paused_by:
        lines.append(f"  paused by {begun.paused_by}: `fairway resume` goes on")
    for service, opinion in sorted(progress.evidence.items()):
        lines += [f"  {line}" for line in picture(service, opinion)]
    return lines


def _row(service: ServiceStatus, begun: UnderWay | None) -> tuple[str, ...]:
    share = "" if service.share is None else f"{100 * service.share:.0f} %"
    wanted = f"{service.up}/{service.wanted}" if service.current else str(service.up)
    return (service.service, service.revision, wanted, share, _note(service, begun))


def _note(service: ServiceStatus, begun: UnderWay | None) -> str:
    if service.warm:
        return "warm" if begun else "warm: `fairway rollback` is instant"
    coming = begun.release.revisions.get(service.service) if begun else None
    if begun and coming and coming.name == service.revision and not service.current:
        return f"of release {begun.number}, under way"
    return "" if service.current else "not of this release"


def _facts(found: Status) -> dict[str, object]:
    return {
        "environment": found.environment,
        "release": found.release.number if found.release else None,
        "commit": found.release.build.commit.sha if found.release and found.release.build else None,
        "under_way": found.under_way.number if found.under_way else None,
        "phase": found.under_way.progress.phase if found.under_way else None,
        "phases": found.under_way.phases if found.under_way else None,
        "waits_for_approval": found.under_way.approve if found.under_way else None,
        "paused_by": (found.under_way.paused_by or None) if found.under_way else None,
        "evidence": found.under_way.progress.evidence if found.under_way else None,
        "holder": found.holder,
        "services": found.services,
        "problems": found.problems,
        "converged": found.converged,
    }
