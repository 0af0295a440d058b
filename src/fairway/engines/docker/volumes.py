"""The volumes that a service needs: made, or, where they are external, there."""

from __future__ import annotations

from typing import Any

from fairway.engines.docker.errors import explained
from fairway.model.errors import EngineError
from fairway.model.release import Release
from fairway.net.client import Docker, DockerError
from fairway.render import docker as render
from fairway.render import names


async def prepare(docker: Docker, host: str, release: Release, service: str) -> None:
    """Raises EngineError for an external volume that is missing, and for one that exists with another driver or options."""
    app = release.app
    wanted = {mount.source for mount in app.services[service].volumes if mount.type == "volume" and mount.source}
    for key in sorted(wanted & set(app.volumes)):
        declared = app.volumes[key]
        name = names.volume(release.environment, declared)
        found = await show(docker, name)
        if found is None and declared.external:
            raise EngineError(
                f"There is no volume {name}",
                where=app.where("volumes", key) or host,
                why=f"the volume {key!r} is external, so it has to be there before",
                hint=f"docker volume create {name}",
            )
        if found is None:
            with explained(host, f"The volume {name} could not be made"):
                await docker.post("volumes/create", render.volume(release.environment, release, key))
        elif not declared.external:
            _same(found, render.volume(release.environment, release, key), host)


async def show(docker: Docker, name: str) -> dict[str, Any] | None:
    try:
        return dict(await docker.get(f"volumes/{name}"))
    except DockerError as error:
        if error.status == 404:
            return None
        raise


def _same(found: dict[str, Any], wanted: dict[str, Any], host: str) -> None:
    """An engine would take a volume with other options without a word."""
    if found["Driver"] == wanted["Driver"] and (found.get("Options") or {}) == wanted["DriverOpts"]:
        return
    raise EngineError(
        f"The volume {wanted['Name']} exists with another driver or other options",
        where=host,
        why=f"it has {found['Driver']} {found.get('Options') or {}}, the file says {wanted['Driver']} {wanted['DriverOpts']}",
        hint="give the volume another name, or remove the old one once its data is safe",
    )
