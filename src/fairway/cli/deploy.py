"""fairway deploy: lead an environment to what was built and tested."""

from __future__ import annotations

from fairway.cli.common import Common, Flag, Json, Options, Override, Wait
from fairway.cli.progress import progress
from fairway.cli.session import meanwhile, session


async def deploy(
    environment: str | None = None,
    *,
    commit: str | None = None,
    dirty: Flag = False,
    override: Override = "",
    wait: Wait = "0",
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Deploy what was built and tested, without one failed request.

    Run again after an interruption, it goes on from what is there. Where nothing differs, nothing is done.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    commit:
        The tag of a build (its short hash); that of the checked-out commit where none is named.
    dirty:
        Take a tree that differs from its commit.
    override:
        Why to go past what the environment requires, where it allows that: the release and the audit trail tell it.
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    async with session(options, environment, "deploy", wait, changes=True) as here:
        await meanwhile("fairway.cli.deployment")
        from fairway.cli.deployment import deployment, report
        from fairway.cli.prune import tidied
        from fairway.flows.deploy import deploy as apply

        new = await deployment(here, dirty=dirty, override=override)
        with progress() as emit:
            done = await apply(new.target, new.built(commit), new.secrets, emit)
        report(here, done, json)
        await tidied(here)
