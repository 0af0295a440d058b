"""fairway config: the application as Fairway reads it."""

from __future__ import annotations

import yaml

from fairway import wiring
from fairway.cli.common import Common, Json, Options, show, show_json
from fairway.cli.common import environment as chosen


async def config(
    environment: str | None = None,
    *,
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Print the normalised application: every file merged, every variable filled in, every short form written out.

    Parameters
    ----------
    environment:
        With the overlays and values of this environment; the plain files where none is named.
    json:
        Print JSON instead of YAML.
    """
    project = wiring.project(options.directory)
    name = chosen(project.settings, environment) if environment else None
    document = project.document(name)
    if json:
        show_json(document)
    else:
        show(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120).rstrip())
