"""fairway push: images that have passed, into the registry."""

from __future__ import annotations

from fairway.cli.build import report_build
from fairway.cli.common import Common, Flag, Json, Options
from fairway.cli.deployment import deployment
from fairway.cli.progress import progress
from fairway.cli.session import session
from fairway.flows.ship import find, publish
from fairway.model.errors import Refused


async def push(
    environment: str | None = None,
    *,
    commit: str | None = None,
    dirty: Flag = False,
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Push the images that have passed every stage that the environment requires; `newest` moves last.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    commit:
        The tag of a build (its short hash); that of the checked-out commit where none is named.
    dirty:
        Take a tree that differs from its commit.
    json:
        Print JSON.
    """
    async with session(options, environment, "push") as here:
        shop = (await deployment(here, dirty=dirty)).shop
        found = await find(shop, commit)
        if found is None:
            raise Refused("no service of this application has `build:`: there is nothing to push")
        with progress() as emit:
            pushed = await publish(shop, found, emit)
    report_build(pushed, json)
