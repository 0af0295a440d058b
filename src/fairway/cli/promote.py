"""fairway promote: let a release take over at once."""

from __future__ import annotations

from fairway.cli.common import Common, Flag, Json, Options, Wait
from fairway.cli.deployment import report
from fairway.cli.orders import report as told
from fairway.cli.progress import progress
from fairway.cli.session import session
from fairway.flows.deploy import resume as go_on
from fairway.flows.orders import send
from fairway.model.errors import UsageError
from fairway.model.orders import Order


async def promote(
    environment: str | None = None,
    *,
    now: Flag = False,
    wait: Wait = "0",
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Let the release that is under way take over at once: no more holds, checks, approvals or judge, but ready it must be.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    now:
        Say so: users get the new release without the steps that were to protect them.
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    if not now:
        raise UsageError("`fairway promote` skips what protects users", hint="say so: `fairway promote --now`")
    async with session(options, environment, "promote", wait, changes=True) as here:
        said = await send(here.target, Order.PROMOTE)
        if said.follower:
            told(here.name, Order.PROMOTE, said, json)
            return
        secrets = await here.connection.secrets_of(said.release)
        with progress() as emit:
            done = await go_on(here.target, secrets, emit)
        report(here.name, done, json)
