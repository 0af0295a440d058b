"""Who collects what old releases have left, and where it is kept before it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fairway.model.errors import FairwayError, Refused
from fairway.model.garbage import needed
from fairway.ports import Collector
from fairway.ports.making import Archive
from fairway.wiring.proofs import registry

if TYPE_CHECKING:
    from fairway.net.client import Docker
    from fairway.wiring.checkout import Project
    from fairway.wiring.connection import Connection


def archive_of(project: Project) -> Archive | None:
    """None where nothing is archived."""
    directory = project.settings.prune.archive
    if directory is None:
        return None
    from fairway.backups.layout import OciLayout

    return OciLayout(project.directory / directory)


async def needed_in_swarm(docker: Docker, host: str) -> frozenset[str]:
    """What the Swarm needs that this host manages; nothing where it manages none."""
    if not ((await docker.get("info")).get("Swarm") or {}).get("ControlAvailable"):
        return frozenset()
    from fairway.engines.swarm.garbage import needed_in
    from fairway.net.managers import Managers

    return await needed_in(Managers({host: docker}))


def collectors(here: Connection) -> tuple[Collector, ...]:
    """Of the registry, where the settings say so, of the hosts, and of what is written about images."""
    project, own = here.project, (here.parts.collector, here.parts.records.collector)
    prefix = project.settings.registry_of(here.name)
    if not (project.settings.prune.registry and prefix):
        return own
    from fairway.registry.garbage import RegistryCollector

    api = registry(here.parts.docker)
    return (RegistryCollector(api, prefix, lambda: _elsewhere(here, prefix), archive_of(project)), *own)


async def _elsewhere(here: Connection, prefix: str) -> frozenset[str]:
    """What releases of the other environments run that have the same registry. Raises Refused where one cannot be asked."""
    from fairway.wiring.connection import connection

    found: set[str] = set()
    for name in here.project.settings.environments:
        if name == here.name or here.project.settings.registry_of(name) != prefix:
            continue
        try:
            async with connection(here.project, name) as there:
                lost = there.parts.lost()
                records = await there.parts.ledger.read()
        except FairwayError as error:
            raise Refused(
                f"nothing is removed from {prefix} while {name} cannot be asked",
                why="its releases may need it",
                hint="bring its host back, or say `prune: {registry: false}`",
            ) from error
        if lost and not records:
            raise Refused(f"nothing is removed from {prefix} while {' and '.join(lost)} of {name} cannot be asked")
        found |= needed([record.release for record in records])
    return frozenset(found)
