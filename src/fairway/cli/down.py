"""fairway down: remove the application from an environment."""

from __future__ import annotations

import sys

from fairway.cli.common import Common, Flag, Json, Options, Wait, show, show_json
from fairway.cli.session import session
from fairway.flows.down import down as remove
from fairway.model.errors import UsageError


async def down(
    environment: str,
    *,
    volumes: Flag = False,
    yes: Flag = False,
    wait: Wait = "0",
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Remove the application from an environment: its routes, containers and networks. Its releases stay on record.

    Parameters
    ----------
    environment:
        Which environment.
    volumes:
        Remove its volumes, too, with all that is in them.
    yes:
        Do not ask.
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    if not yes:
        _ask(environment, volumes)
    async with session(options, environment, "down", wait, changes=True) as here:
        here.told.detail = "with its volumes" if volumes else ""
        gone = await remove(here.target, volumes=volumes)
    if json:
        show_json(gone)
    else:
        show("\n".join([*(f"removed {name}" for name in gone), f"{len(gone)} things of {environment} removed"]))


def _ask(environment: str, volumes: bool) -> None:
    what = f"everything of {environment}{', its data included' if volumes else ''}"
    if not sys.stdin.isatty():
        raise UsageError(f"this removes {what}", hint="say --yes")
    if input(f"Remove {what}? Type its name: ").strip() != environment:
        raise UsageError("nothing was removed")
