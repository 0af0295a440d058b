"""What is still needed of earlier releases stays on the hosts, and the rest goes."""

from __future__ import annotations

import asyncio

from fairway.flows.context import Target
from fairway.flows.proposal import Proposal
from fairway.model.errors import FairwayError
from fairway.model.events import Emit, Note
from fairway.model.release import Release
from fairway.rollout.retention import sort


async def kept_of(target: Target) -> tuple[Release, ...]:
    """The releases that stay whole."""
    records, fleet = await asyncio.gather(target.ledger.read(), target.engine.observe())
    return sort(records, fleet, target.retention, target.seconds).kept


async def tidy(target: Target, proposal: Proposal, emit: Emit, *, failed: bool = False) -> None:
    """The files of releases that are kept no longer are removed, unless they are in use. What cannot be is told, and is no failure."""
    kept = sort(proposal.records, proposal.fleet, target.retention, target.seconds).kept
    releases = {release.number: release for release in kept}
    secret = any(record.release.secrets for record in proposal.records) or proposal.release.secrets
    if target.files is None or not secret:
        return
    if failed:
        releases.pop(proposal.release.number, None)
    else:
        releases[proposal.release.number] = proposal.release
    try:
        await target.files.keep(list(releases.values()))
    except FairwayError as error:
        emit(Note(f"{error.what}: the next deployment tries again", "warning"))
