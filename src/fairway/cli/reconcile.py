"""fairway reconcile: bring what runs back to what was promoted."""

from __future__ import annotations

from fairway.cli.common import Common, Json, Options, Wait
from fairway.cli.deployment import report
from fairway.cli.progress import progress
from fairway.cli.session import session
from fairway.flows.deploy import reconcile as apply
from fairway.flows.orders import promoted_or_refused


async def reconcile(
    environment: str | None = None,
    *,
    wait: Wait = "0",
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Bring what runs back to the release that was promoted last: what died starts again, what was kept long enough goes.

    The release is the ledger's: nothing of the checkout but its fairway.yaml is needed. Nothing is done where nothing differs,
    so a timer may call it.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    async with session(options, environment, "reconcile", wait, changes=True) as here:
        release = promoted_or_refused(here.target, await here.target.ledger.read())
        secrets = await here.connection.secrets_of(release)
        with progress() as emit:
            done = await apply(here.target, secrets, emit)
        report(here.name, done, json)
