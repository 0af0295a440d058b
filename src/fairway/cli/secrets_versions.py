"""fairway secrets versions: which there are, and which releases pin them."""

from __future__ import annotations

from fairway.cli.common import Common, Json, Options, show, show_json, table
from fairway.cli.secrets_store import Environment, opened
from fairway.cli.session import session
from fairway.flows.secrets import Pinned, pinned


async def versions_(
    name: str | None = None,
    *,
    environment: Environment = None,
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """List the versions of the secrets, newest first, and the releases that pin each.

    Where secrets are kept without numbers, a version is told by the beginning of the hash that the release has of it.

    Parameters
    ----------
    name:
        Of this secret alone.
    environment:
        Whose secrets; not needed where there is one environment.
    json:
        Print JSON.
    """
    async with opened(options, environment) as here, session(options, here.name, "secrets versions") as there:
        records = await there.target.ledger.read()
        rows = await pinned(here.store, records, here.app(), name)
    if json:
        show_json(rows)
    else:
        heads = ("SECRET", "VERSION", "WHEN", "WHO", "RELEASES", "STATE")
        show(table(heads, [_cells(row) for row in rows]) if rows else "there are no versions")


def _cells(row: Pinned) -> tuple[str, ...]:
    releases = ", ".join(map(str, row.releases)) or "-"
    return row.name, row.number or row.identity[:8], row.at or "-", row.by or "-", releases, row.state
