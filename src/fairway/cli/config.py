"""fairway config: the application as Fairway reads it."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import yaml

from fairway import wiring
from fairway.cli.common import Common, Flag, Json, Options, show, show_json, warn
from fairway.cli.common import environment as chosen
from fairway.flows.ingredients import shown
from fairway.model.app import App


async def config(
    environment: str | None = None,
    *,
    hardened: Flag = False,
    render: Flag = False,
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Print the normalised application: every file merged, every variable filled in, every short form written out.

    Parameters
    ----------
    environment:
        With the overlays and values of this environment; the plain files where none is named.
    hardened:
        As it would be deployed: with what `hardening: strict` adds. Its hosts are asked who their images run as.
    render:
        Print the contents of its configs instead, templates rendered, with dots for secrets.
    json:
        Print JSON instead of YAML.
    """
    project = wiring.project(options.directory)
    name = chosen(project.settings, environment) if environment or hardened or render else None
    if render:
        _show_configs(shown(project.configs(name or "", project.app(name))), json)
        return
    document = project.document(name, await _hardened(project, str(name)) if hardened else None)
    if json:
        show_json(document)
    else:
        show(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120).rstrip())


async def _hardened(project: wiring.Project, name: str) -> App:
    """What it has added is told on standard error."""
    from fairway.cli.plan import told
    from fairway.flows.audit import hardened
    from fairway.wiring.audit import inspectors, papers

    whole, unseen = await hardened(await papers(project, name, project.app(name)), inspectors(project, name))
    for one in unseen:
        warn(f"{one.what}: {one.why}")
    for line in told(whole.told):
        sys.stderr.write(f"{line}\n")
    return whole.app


def _show_configs(texts: Mapping[str, str], json: bool) -> None:
    if json:
        show_json(texts)
    for key, text in () if json else texts.items():
        show(f"# {key}\n{text}")
