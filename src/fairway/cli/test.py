"""fairway test: the very images that were built, tested."""

from __future__ import annotations

from fairway.cli.build import report_build
from fairway.cli.common import Common, Flag, Json, Options
from fairway.cli.deployment import deployment
from fairway.cli.progress import progress
from fairway.cli.session import session
from fairway.flows.ship import make, prove


async def test(
    environment: str | None = None,
    *,
    dirty: Flag = False,
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Build what is not built yet, and run every test stage against exactly those images.

    Parameters
    ----------
    environment:
        Which environment's values and overlays to test with; not needed where there is one.
    dirty:
        Take a tree that differs from its commit.
    json:
        Print JSON.
    """
    async with session(options, environment, "test") as here:
        shop = (await deployment(here, dirty=dirty)).shop
        with progress() as emit:
            proven = await prove(shop, await make(shop, emit), emit, again=True)
    report_build(proven, json)
