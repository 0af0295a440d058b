"""fairway ship: from the checked-out commit to production, in one step."""

from __future__ import annotations

from fairway.cli.common import Common, Flag, Json, Options, Wait
from fairway.cli.deployment import deployment, report
from fairway.cli.progress import progress
from fairway.flows.deploy import deploy as apply
from fairway.flows.ship import ship as make


async def ship(
    environment: str | None = None,
    *,
    dirty: Flag = False,
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
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    async with deployment(options, environment, "ship", wait, dirty=dirty) as here:
        with progress() as emit:
            build = await make(here.shop, emit)
            done = await apply(here.target, here.proposal(build), here.secrets, emit)
        report(here.session.name, done, json)
