"""fairway approve: let a release that waits for it go on."""

from __future__ import annotations

from fairway.cli.common import Common, Json, Options
from fairway.cli.orders import tell
from fairway.model.orders import Order


async def approve(environment: str | None = None, *, json: Json = False, options: Options = Common()) -> None:  # noqa: B008
    """Approve the phase that a release waits in: it goes on to the next one.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    json:
        Print JSON.
    """
    await tell(options, environment, Order.APPROVE, json)
