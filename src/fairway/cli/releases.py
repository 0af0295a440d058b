"""fairway releases: what has been deployed."""

from __future__ import annotations

from fairway.cli.common import Common, Json, Options, show, show_json, table
from fairway.cli.session import session
from fairway.model.release import Record


async def releases(environment: str | None = None, *, json: Json = False, options: Options = Common()) -> None:  # noqa: B008
    """List the releases of an environment, newest first.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    json:
        Print JSON.
    """
    async with session(options, environment, "releases") as here:
        records = await here.target.ledger.read()
    newest_first = sorted(records, key=lambda record: -record.release.number)
    if json:
        show_json([_facts(record) for record in newest_first])
        return
    heads = ("RELEASE", "COMMIT", "WHEN", "WHO", "OUTCOME", "REASON")
    show(
        table(heads, [tuple(_facts(r).values())[:6] for r in newest_first])
        if records
        else "nothing has been deployed here"
    )


def _facts(record: Record) -> dict[str, str]:
    release = record.release
    commit = release.build.commit.tag if release.build else ""
    return {
        "release": str(release.number),
        "commit": commit,
        "created": release.created,
        "by": release.by,
        "outcome": record.outcome or "under way",
        "reason": release.reason,
        "finished": record.finished,
        "detail": record.detail,
        "override": release.override,
    }
