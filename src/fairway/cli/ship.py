"""fairway ship: from the checked-out commit to production, in one step."""

from __future__ import annotations

from fairway.cli.common import Common, Flag, Json, Options, Override, Wait
from fairway.cli.deployment import deployment, report
from fairway.cli.progress import progress
from fairway.cli.prune import tidied
from fairway.cli.session import session
from fairway.flows.deploy import deploy as apply
from fairway.flows.ship import ship as make


async def ship(
    environment: str | None = None,
    *,
    dirty: Flag = False,
    override: Override = "",
    wait: Wait = "0",
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Build the images, test exactly those, tag and push them, and deploy them without one failed request.

    What is done already is not done again: the same call does the same thing.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    dirty:
        Take a tree that differs from its commit; the images' tag says so.
    override:
        Why to go past what the environment requires, where it allows that: the release and the audit trail tell it.
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    async with session(options, environment, "ship", wait, changes=True) as here:
        new = await deployment(here, dirty=dirty, override=override)
        with progress() as emit:
            build = await make(new.shop, emit)
            done = await apply(new.target, new.proposal(build), new.secrets, emit)
        report(here, done, json)
        await tidied(here)
