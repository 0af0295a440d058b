"""fairway resume: go on with a release that was paused, or whose deployer is gone."""

from __future__ import annotations

from fairway.cli.common import Common, Json, Options, Wait
from fairway.cli.deployment import report
from fairway.cli.orders import report as told
from fairway.cli.progress import progress
from fairway.cli.session import session
from fairway.flows.deploy import resume as go_on
from fairway.flows.orders import send
from fairway.model.orders import Order


async def resume(
    environment: str | None = None,
    *,
    wait: Wait = "0",
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Take a pause back; where nobody leads the release any more, go on with it from here, as the ledger has it.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    async with session(options, environment, "resume", wait, changes=True) as here:
        said = await send(here.target, Order.RESUME)
        here.told.release = said.release.number
        if said.follower:
            told(here.name, Order.RESUME, said, json)
            return
        secrets = await here.connection.secrets_of(said.release)
        with progress() as emit:
            done = await go_on(here.target, secrets, emit)
        report(here, done, json)
