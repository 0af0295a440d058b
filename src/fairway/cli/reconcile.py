"""fairway reconcile: bring what runs back to what was promoted."""

from __future__ import annotations

import asyncio

from fairway.cli.common import Common, Flag, Json, Options, Wait, warn
from fairway.cli.deployment import report
from fairway.cli.errors import words
from fairway.cli.progress import progress
from fairway.cli.session import session
from fairway.flows.deploy import reconcile as apply
from fairway.flows.orders import promoted_or_refused
from fairway.flows.watch import until_news
from fairway.model.errors import FairwayError, InvalidFiles, Locked, Partial, UsageError

AGAIN, LONGEST = 5.0, 60.0
"""Seconds until it is tried again where it could not be done; each time in a row it is longer."""


async def reconcile(
    environment: str | None = None,
    *,
    watch: Flag = False,
    wait: Wait = "0",
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Bring what runs back to the release that was promoted last: what died starts again, what was kept long enough goes.

    A host that was away gets what it has missed, and what it should no longer run is removed; replicas of hosts that are lost
    start elsewhere, if they have no data there. The release is the ledger's: nothing of the checkout but its fairway.yaml is
    needed. Nothing is done where nothing differs, so a timer may call it.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    watch:
        Go on doing it, as soon as something happens, until it is interrupted.
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    if watch:
        await _watch(environment, json, options)
    else:
        await _once(environment, wait, json, options, goes_on=False)


async def _watch(environment: str | None, json: bool, options: Common) -> None:
    said, pause = "", AGAIN
    while True:
        try:
            await _once(environment, "0", json, options, goes_on=True)
            said, pause = "", AGAIN
        except (UsageError, InvalidFiles):
            raise
        except FairwayError as error:
            if words(error) != said and not isinstance(error, Locked):  # whoever deploys does it, too
                said = words(error)
                warn(said)
            await asyncio.sleep(pause)
            pause = AGAIN if isinstance(error, Partial) else min(2 * pause, LONGEST)


async def _once(environment: str | None, wait: str, json: bool, options: Common, *, goes_on: bool) -> None:
    """`goes_on`: returns when there is something to do again, and says nothing where nothing was done."""
    async with session(options, environment, "reconcile", wait, changes=True, repairs=True) as here:
        release = promoted_or_refused(here.target, await here.target.ledger.read())
        secrets = await here.connection.secrets_of(release)
        with progress() as emit:
            done = await apply(here.target, secrets, emit)
        if done.changed or not goes_on:
            report(here, done, json)
        if goes_on:
            await until_news(here.target)
