"""fairway secrets prune: what no release needs any more goes."""

from __future__ import annotations

from contextlib import AsyncExitStack

from fairway.cli.common import Common, Json, Options, Wait, show, show_json
from fairway.cli.secrets_store import Environment, Opened, opened
from fairway.cli.session import session
from fairway.flows.keeping import kept_of
from fairway.flows.secrets import needed
from fairway.model.release import Release
from fairway.wiring.secrets import store


async def prune_(
    *,
    environment: Environment = None,
    wait: Wait = "0",
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Forget the versions of secrets that no release needs that is kept (`keep_releases`), here and on the hosts.

    The newest version of each stays, and what any environment needs that keeps its secrets in the same place.

    Parameters
    ----------
    environment:
        Whose secrets; not needed where there is one environment.
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(opened(options, environment))
        releases: list[Release] = []
        for name in _sharing(here):
            there = (await stack.enter_async_context(session(options, name, "secrets prune", wait))).target
            await stack.enter_async_context(there.leases.hold(there.doing, there.wait))
            kept = await kept_of(there)
            releases += kept
            if there.files:
                await there.files.keep(kept)
        gone = await here.store.prune(await needed(here.store, releases))
    if json:
        show_json(gone)
    for entry in () if json else gone:
        show(f"version {entry.number} of {entry.name} is gone from {here.store.where}")
    if not gone and not json:
        show("every version is needed, or the newest")


def _sharing(here: Opened) -> list[str]:
    """The environments that keep their secrets in the same place."""
    names = here.project.settings.environments
    return [name for name in names if store(here.project, name).where == here.store.where]
