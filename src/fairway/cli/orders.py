"""What the commands share that tell a rollout something."""

from __future__ import annotations

from fairway.cli.common import Common, show, show_json
from fairway.cli.session import session
from fairway.flows.orders import Ordered, send
from fairway.model.orders import Order

ALONE = "nobody leads it: `fairway resume` goes on, `fairway abort` leads back"


async def tell(options: Common, environment: str | None, order: Order, json: bool) -> None:
    """Says it to whoever leads the release that is under way."""
    async with session(options, environment, order.value, changes=True) as here:
        said = await send(here.target, order)
        here.told.release = said.release.number
        report(here.name, order, said, json)


def report(environment: str, order: Order, said: Ordered, json: bool) -> None:
    leader = said.follower.by if said.follower else None
    if json:
        told = {"environment": environment, "release": said.release.number, "order": order}
        show_json(told | {"follower": leader, "leads": said.leads})
        return
    show(f"{order.value}: release {said.release.number} in {environment}; {_follower(said)}")


def _follower(said: Ordered) -> str:
    if not said.follower:
        return ALONE
    if said.leads:
        return f"{said.follower.by} leads it, and has been told"
    return f"{said.follower.by} holds the lease ({said.follower.doing}), and follows it where it leads this release"
