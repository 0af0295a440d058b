"""docs/compose.md, from the table."""

from __future__ import annotations

from itertools import groupby

from fairway.render.docker_row import Kind, Row
from fairway.render.docker_table import ROWS

HEAD = """# The Compose Specification on one Docker host

Made from `src/fairway/render/docker_table.py` by `python -m fairway.render.docker_docs > docs/compose.md`; do not edit.

Fairway honours a field, or refuses the file with its line and what to do instead. A row holds for its field and for
everything below it that has no row of its own. Networks, volumes and containers bear the environment's name, so that
several environments fit on one host.
"""
TITLES = {
    "services": "Services",
    "networks": "Networks",
    "volumes": "Volumes",
    "configs": "Configs",
    "secrets": "Secrets",
}
DOCKER = {(1, 43): "24", (1, 44): "25", (1, 45): "26", (1, 48): "28"}
"""The release of Docker that brought each version of its API."""


def document() -> str:
    parts = [HEAD]
    ordered = sorted(
        ROWS, key=lambda row: (section(row) != "", list(TITLES).index(section(row)) if section(row) else 0)
    )
    for title, rows in groupby(ordered, section):
        parts.append(
            f"\n## {TITLES.get(title, 'The file itself')}\n\n| field | | what becomes of it |\n| --- | --- | --- |\n"
        )
        parts.extend(line(row) for row in sorted(rows, key=lambda row: row.path))
    return "".join(parts)


def section(row: Row) -> str:
    first, dot, _ = row.path.partition(".")
    return first if dot else ""


def line(row: Row) -> str:
    name = row.path.partition(".")[2] or row.path
    return f"| `{name}` | {row.kind} | {'. '.join(filter(None, (said(row), refused(row), needs(row))))} |\n"


def said(row: Row) -> str:
    return row.how.removeprefix("not used: ") if row.kind is Kind.UNUSED else row.how


def refused(row: Row) -> str:
    if not row.refused:
        return ""
    start = "" if row.kind is Kind.REFUSED else "Refused: "
    return f"{start}{row.refused}{f' ({row.hint})' if row.hint else ''}"


def needs(row: Row) -> str:
    return f"Needs Docker {DOCKER[row.api]} or newer" if row.api else ""


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201
