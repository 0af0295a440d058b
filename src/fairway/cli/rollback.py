"""fairway rollback: bring back an earlier release, whole."""

from __future__ import annotations

from fairway.cli.common import Common, Json, Options, Wait
from fairway.cli.deployment import report
from fairway.cli.progress import progress
from fairway.cli.session import session
from fairway.flows.deploy import deploy as apply
from fairway.flows.proposal import back_to
from fairway.flows.rollback import choose


async def rollback(
    environment: str | None = None,
    release: int | None = None,
    *,
    wait: Wait = "0",
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Bring back an earlier release: its images, configuration, secret versions and routes.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    release:
        Its number, as `fairway releases` lists them; the one that served before where none is named.
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    async with session(options, environment, "rollback", wait, changes=True) as here:
        earlier = choose(await here.target.ledger.read(), release)
        secrets = await here.connection.secrets_of(earlier)
        with progress() as emit:
            done = await apply(here.target, back_to(earlier, here.target), secrets, emit)
        report(here.name, done, json)
