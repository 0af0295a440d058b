"""What an audit looks at on this machine, and whom it asks on the hosts."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from fairway.builders import recipe
from fairway.builders.git import GitSource
from fairway.builders.store import FileBuilds
from fairway.engines.docker.inspector import DockerInspectors
from fairway.flows.audit import Papers
from fairway.model.app import App, Location
from fairway.model.build import Build
from fairway.model.errors import SourceError
from fairway.model.security import Acceptance
from fairway.model.security_facts import FileFacts, Maintained, Recipe
from fairway.net.sshkeys import identities
from fairway.registry.credentials import DockerConfig
from fairway.wiring.hosts import tls_of

if TYPE_CHECKING:
    from fairway.wiring.checkout import Project


async def papers(project: Project, name: str, app: App) -> Papers:
    """Raises InvalidFiles."""
    build = await _build(project)
    references = {
        service.name: build.images[service.name].pinned
        if build and service.name in build.images
        else service.image or ""
        for service in app.services.values()
        if not service.build or (build and service.name in build.images)
    }
    recipes = dict(_recipes(app))
    return Papers(
        app=app,
        known=maintained(),
        today=datetime.now(UTC).date(),
        policies=project.policies(name, app),
        recipes=recipes,
        references=references,
        files=tuple(dict.fromkeys([*_files(project, name, app, recipes), *await _ssh_keys(project, name)])),
        acceptances=tuple(_acceptances(project)),
    )


def inspectors(project: Project, name: str) -> Mapping[str, DockerInspectors]:
    """By host."""
    environment = project.environment(name)
    return {
        label: DockerInspectors(environment, host.address, tls_of(project, host))
        for label, host in project.settings.environments[name].hosts.items()
    }


def maintained() -> Maintained:
    import msgspec

    return msgspec.json.decode(files("fairway.data").joinpath("maintained.json").read_bytes(), type=Maintained)


async def _build(project: Project) -> Build | None:
    """What was built of the checked-out commit; of a tree that differs from it, what was built of that, or of the commit."""
    try:
        commit = await GitSource(project.directory).commit()
    except SourceError:
        return None
    builds = FileBuilds(project.directory)
    return builds.load(commit.tag) or builds.load(commit.short)


def _recipes(app: App) -> Iterator[tuple[str, Recipe]]:
    for service in app.services.values():
        inline = app.where("services", service.name, "build", "dockerfile_inline")
        if service.build and (found := recipe.read(service.name, service.build, inline)):
            yield service.name, found


def _acceptances(project: Project) -> Iterator[Acceptance]:
    settings = project.settings
    for index, said in enumerate(settings.security.accept):
        path = ("security", "accept", str(index))
        yield Acceptance(
            rule=said.rule,
            because=said.because,
            service=said.service or "",
            host=said.host or "",
            until=said.until,
            where=settings.where(*(path if path in settings.locations else path[:-1])),
        )


def _files(project: Project, name: str, app: App, recipes: Mapping[str, Recipe]) -> Iterator[FileFacts]:
    settings, directory = project.settings, project.directory
    said = settings.environments[name]
    for label, host in said.hosts.items():
        if host.tls:
            where = settings.where("environments", name, "hosts", label, "tls", "key")
            yield from _file("tls-key", directory / host.tls.key, host.tls.key, where)
    for index, certificate in enumerate(settings.gateway.tls):
        yield from _file(
            "tls-key", directory / certificate.key, certificate.key, settings.where("gateway", "tls", str(index), "key")
        )
    for key, secret in app.secrets.items():
        if secret.file:
            yield from _file("secret", Path(secret.file), secret.file, app.where("secrets", key, "file"))
    for path in _project(project, said.env_file, app, recipes):
        yield from _file("project", path, str(path), Location(str(path)))
    config = DockerConfig()
    if config.has_passwords:
        yield from _file("docker-config", config.path, str(config.path), Location(str(config.path)))


def _project(project: Project, env_files: tuple[str, ...], app: App, recipes: Mapping[str, Recipe]) -> list[Path]:
    """The files that decide what is deployed."""
    written = {location.file for location in app.locations.values()} | {recipe.file for recipe in recipes.values()}
    named = [project.directory / "fairway.yaml", *(project.directory / file for file in env_files or (".env",))]
    return sorted(
        {path.resolve() for path in (*named, *(project.directory / file for file in written)) if path.is_file()}
    )


async def _ssh_keys(project: Project, name: str) -> list[FileFacts]:
    found: list[FileFacts] = []
    for label, host in project.settings.environments[name].hosts.items():
        if host.address.startswith("ssh://"):
            where = project.settings.where("environments", name, "hosts", label)
            for path in await identities(host.address):
                found += _file("ssh-key", path, str(path), where)
    return found


def _file(kind: str, path: Path, shown: str, where: Location) -> Iterator[FileFacts]:
    """Nothing where it is not there: that is told elsewhere."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return
    yield FileFacts(kind=kind, path=shown, mode=mode, where=where)
