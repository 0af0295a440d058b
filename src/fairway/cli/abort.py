"""fairway abort: lead back what is under way."""

from __future__ import annotations

from fairway.cli.common import Common, Json, Options, Wait, show, show_json
from fairway.cli.orders import report as told
from fairway.cli.progress import progress
from fairway.cli.session import session
from fairway.flows.orders import send
from fairway.flows.undo import lead_back
from fairway.model.orders import Order


async def abort(
    environment: str | None = None,
    *,
    wait: Wait = "0",
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Lead the release that is under way back: what served before serves everybody again.

    Whoever leads it does so; where nobody does any more, it is done from here. An abort beats every other order.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    async with session(options, environment, "abort", wait, changes=True) as here:
        said = await send(here.target, Order.ABORT)
        here.told.release = said.release.number
        if said.follower:
            told(here.name, Order.ABORT, said, json)
            return
        secrets = await here.connection.secrets_of(said.release)
        with progress() as emit:
            release = await lead_back(here.target, secrets, emit)
    if json:
        show_json({"environment": here.name, "release": release.number, "order": Order.ABORT, "led_back": True})
    else:
        show(f"release {release.number} in {here.name} was led back")
