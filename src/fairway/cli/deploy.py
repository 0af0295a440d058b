"""fairway deploy: lead an environment to what was built and tested."""

from __future__ import annotations

from fairway.cli.common import Common, Flag, Json, Options, Wait
from fairway.cli.deployment import deployment, report
from fairway.cli.progress import progress
from fairway.flows.deploy import deploy as apply


async def deploy(
    environment: str | None = None,
    *,
    commit: str | None = None,
    dirty: Flag = False,
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
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    async with deployment(options, environment, "deploy", wait, dirty=dirty) as here:
        with progress() as emit:
            done = await apply(here.target, here.built(commit), here.secrets, emit)
        report(here.session.name, done, json)
