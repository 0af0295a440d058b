"""fairway secrets: what there is, and the commands that change it."""

from __future__ import annotations

from fairway.cli.common import Common, Json, Options, show, show_json, table
from fairway.cli.secrets_store import Environment, opened
from fairway.flows.secrets import Row, listed


async def secrets(
    *,
    environment: Environment = None,
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """List the secrets: where they are kept, their newest version, and which services use them. Never values.

    Parameters
    ----------
    environment:
        Whose secrets; not needed where there is one environment.
    json:
        Print JSON.
    """
    async with opened(options, environment) as here:
        where = here.store.where
        rows = listed(here.app(), await here.store.names(), where)
    if json:
        show_json(rows)
    else:
        heads = ("SECRET", "VERSION", "WHEN", "WHO", "USED BY", "KEPT IN")
        show(table(heads, [_cells(row) for row in rows]) if rows else f"there are no secrets in {where}")


def _cells(row: Row) -> tuple[str, ...]:
    return row.name, row.number or "-", row.at or "-", row.by or "-", ", ".join(row.services) or "nobody", row.where
