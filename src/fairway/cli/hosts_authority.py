"""fairway hosts rotate-authority: another authority for what the gateways of a fleet show each other."""

from __future__ import annotations

from fairway.cli.common import Common, Json, Options, Wait, show, show_json
from fairway.cli.progress import progress
from fairway.cli.session import session
from fairway.flows.authority import rotate


async def rotate_authority(
    environment: str | None = None,
    *,
    wait: Wait = "0",
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Exchange the authority that the gateways of a fleet trust each other by, without one failed request.

    Every host has to answer. Run again after an interruption, it goes on from there. On a Swarm the last step replaces the
    gateways, one node after the other: lead users to those that want them.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    async with session(options, environment, "hosts rotate-authority", wait, changes=True) as here:
        with progress() as emit:
            await rotate(here.target, here.connection.parts.exchange, emit)
    if json:
        show_json({"environment": here.name, "exchanged": True})
    else:
        show(f"the gateways of {here.name} have another authority")
