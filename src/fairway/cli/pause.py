"""fairway pause: keep a release in the phase that it is in."""

from __future__ import annotations

from fairway.cli.common import Common, Json, Options
from fairway.cli.orders import tell
from fairway.model.orders import Order


async def pause(environment: str | None = None, *, json: Json = False, options: Options = Common()) -> None:  # noqa: B008
    """Keep the release that is under way in its phase: traffic stays as it is until `fairway resume`, `promote` or `abort`.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    json:
        Print JSON.
    """
    await tell(options, environment, Order.PAUSE, json)
