"""fairway promote: from one environment to another; or a release that is under way, at once."""

from __future__ import annotations

from fairway.cli.common import Common, Flag, Json, Options, Override, Wait
from fairway.cli.deployment import deployment, report
from fairway.cli.orders import report as told
from fairway.cli.progress import progress
from fairway.cli.session import session
from fairway.flows.deploy import deploy as apply
from fairway.flows.deploy import resume as go_on
from fairway.flows.orders import send
from fairway.model.errors import UsageError
from fairway.model.orders import Order


async def promote(
    environment: str | None = None,
    to: str | None = None,
    *,
    now: Flag = False,
    override: Override = "",
    wait: Wait = "0",
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Take the very images that serve in one environment to another: `fairway promote staging production`.

    With --now, and one environment or none: let the release that is under way there take over at once. No more holds, checks,
    approvals or judge, but ready it must be.

    Parameters
    ----------
    environment:
        Where they serve; with --now, which environment, which is not needed where there is one.
    to:
        Where they are to serve, too.
    now:
        Say so: users get the new release without the steps that were to protect them.
    override:
        Why to go past what the environment requires, where it allows that: the release and the audit trail tell it.
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    if now and not to:
        await _at_once(environment, wait, json, options)
    elif environment and to and not now:
        await _between(environment, to, override, wait, json=json, options=options)
    elif now:
        raise UsageError(
            "--now is for a release that is under way", hint=f"`fairway promote {to} --now`, or without --now"
        )
    else:
        raise UsageError(
            "where to?",
            hint="`fairway promote staging production` takes images there; `fairway promote --now` ends the steps of a release, "
            "which protect users",
        )


async def _between(origin: str, to: str, override: str, wait: str, *, json: bool, options: Common) -> None:
    async with session(options, to, "promote", wait, changes=True) as here:
        known = here.connection.project.settings.environments
        if origin not in known or origin == to:
            raise UsageError(f"there is no other environment {origin!r}", hint=f"there are: {', '.join(known)}")
        taken = await deployment(here, override=override)
        with progress() as emit:
            done = await apply(taken.target, taken.promotion(origin), taken.secrets, emit)
        report(here, done, json)


async def _at_once(environment: str | None, wait: str, json: bool, options: Common) -> None:
    async with session(options, environment, "promote --now", wait, changes=True) as here:
        said = await send(here.target, Order.PROMOTE)
        here.told.release = said.release.number
        if said.follower:
            told(here.name, Order.PROMOTE, said, json)
            return
        secrets = await here.connection.secrets_of(said.release)
        with progress() as emit:
            done = await go_on(here.target, secrets, emit)
        report(here, done, json)
