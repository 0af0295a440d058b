"""fairway rollback: bring back an earlier release, whole."""

from __future__ import annotations

from fairway.cli.common import Common, Json, Options, Override, Wait
from fairway.cli.progress import progress
from fairway.cli.session import meanwhile, session


async def rollback(
    environment: str | None = None,
    release: int | None = None,
    *,
    override: Override = "",
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
    override:
        Why to go past `signed_by`, where the environment allows that. Nothing else is asked of what served here before.
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    async with session(options, environment, "rollback", wait, changes=True) as here:
        await meanwhile("fairway.cli.deployment")
        from fairway.cli.deployment import nothing, report, say
        from fairway.cli.prune import tidied
        from fairway.flows.deploy import deploy as apply
        from fairway.flows.gate import back
        from fairway.flows.proposal import back_to
        from fairway.flows.rollback import choose

        earlier = choose(await here.target.ledger.read(), release)
        admitted = await back(here.connection.proofs.gate(nothing), earlier, say, override=override)
        here.told.override, here.told.overridden = override if admitted.overridden else "", admitted.overridden
        secrets = await here.connection.secrets_of(earlier)
        with progress() as emit:
            done = await apply(here.target, back_to(earlier, here.target, here.told.override), secrets, emit)
        report(here, done, json)
        await tidied(here)
