"""Settings → concrete adapters: the only room that names them. What a quick command does not need is imported where it is used."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from fairway.engines.docker.console import DockerConsole
from fairway.engines.docker.engine import DockerEngine
from fairway.engines.docker.lease import DockerLeases
from fairway.engines.docker.ledger import DockerLedger
from fairway.engines.docker.signals import DockerSignals
from fairway.flows.context import Target, iso
from fairway.gateway.traffic import GatewayTraffic
from fairway.model.app import App
from fairway.model.environment import Environment
from fairway.model.errors import InvalidFiles, Problem, UsageError
from fairway.model.policy import ServicePolicy
from fairway.model.release import Release
from fairway.net.docker import connect, host_time
from fairway.net.hostimage import ensure_host_image, host_image
from fairway.settings import Settings, load
from fairway.settings.model import EnvironmentSettings
from fairway.wiring.edge import edge_tls
from fairway.wiring.edge import look as look_at_edge
from fairway.wiring.hosts import only, tls_directory, tls_of

if TYPE_CHECKING:
    import aiodocker

    from fairway.flows.ship import Workshop
    from fairway.ports import Registry

FILE = "fairway.yaml"


class Project(Struct, frozen=True):
    """A directory with a fairway.yaml, and what it says."""

    directory: Path
    settings: Settings

    def app(self, environment: str | None = None) -> App:
        """The application as Compose has it, with the overlays and values of the environment. Raises InvalidFiles."""
        return self.app_with_warnings(environment)[0]

    def app_with_warnings(self, environment: str | None = None) -> tuple[App, tuple[Problem, ...]]:
        from fairway import compose

        said = self.settings.environments[environment] if environment else EnvironmentSettings()
        files = compose.find(str(self.directory), os.path.exists)
        if not files:
            raise UsageError(
                f"there is no compose.yaml beside {self.settings.file}",
                hint="write one: it says what the application is",
            )
        missing = self._missing(environment or "", said)
        try:
            loaded = compose.load_with_warnings(
                [*files, *self._there(said.compose)],
                reader=Disk(),
                directory=str(self.directory),
                environment=self.variables(environment) if environment else os.environ,
                project=self.settings.app,
                profiles=said.profiles,
                env_files=self._there(said.env_file) if said.env_file else None,
            )
        except InvalidFiles as error:
            raise InvalidFiles([*missing, *error.problems]) from None
        if missing:
            raise InvalidFiles(missing)
        return loaded

    def _there(self, files: Iterable[str]) -> list[str]:
        return [str(self.directory / file) for file in files if (self.directory / file).exists()]

    def _missing(self, environment: str, said: EnvironmentSettings) -> list[Problem]:
        """The files that the environment names and that are not there: fairway.yaml is where to look."""
        named = [("compose", file) for file in said.compose] + [("env_file", file) for file in said.env_file]
        paths = [(("environments", environment, key), file) for key, file in named if not self._there([file])]
        return [Problem(f"there is no file {file}", self.settings.where(*path), path) for path, file in paths]

    def variables(self, environment: str) -> Mapping[str, str]:
        """What `${…}`, and configs and secrets from the environment, are filled in with: the settings' values over this process's."""
        return {**os.environ, **self.settings.environments[environment].values}

    def policies(self, environment: str, app: App) -> Mapping[str, ServicePolicy]:
        """Raises InvalidFiles."""
        from fairway.settings.policies import policies

        return policies(self.settings, app, environment)

    def edge_warnings(self, environment: str, policies: Mapping[str, ServicePolicy]) -> tuple[Problem, ...]:
        """What is doubtful about the certificates for users. Raises InvalidFiles where they cannot be used, or a host has none."""
        found = look_at_edge(self, environment, policies)
        if found.problems:
            raise InvalidFiles(found.problems)
        return found.warnings

    def document(self, environment: str | None = None) -> dict[str, Any]:
        """The normalised application, as Compose data."""
        from fairway.compose.dump import to_compose

        return to_compose(self.app(environment))

    def environment(self, name: str) -> Environment:
        return Environment(self.settings.app or self.app(name).name, name)


class Disk:
    """compose.Reader on this machine's files."""

    def read(self, path: str) -> str:
        return Path(path).read_text(encoding="utf-8")

    def exists(self, path: str) -> bool:
        return Path(path).exists()


def project(start: Path) -> Project:
    """The project that `start` lies in. Raises UsageError where there is none, InvalidFiles."""
    start = start.resolve()
    for directory in (start, *start.parents):
        file = directory / FILE
        if file.is_file():
            return Project(directory, load(_text(file), file=_shown(file)))
    raise UsageError(f"there is no {FILE} in {start} or above it", hint="`fairway init` writes one from a compose.yaml")


class Connection(Struct, frozen=True):
    """An environment of a project, and its engine, connected."""

    project: Project
    name: str
    docker: aiodocker.Docker
    host: str
    traffic: GatewayTraffic

    @property
    def image(self) -> str:
        """What Fairway's own containers on the host are made of."""
        return self.project.settings.gateway.image or host_image()

    async def prepare(self) -> None:
        """What changing anything needs: Fairway's own image on the host. Raises ImageNotFound, EngineError."""
        await ensure_host_image(self.docker, self.project.settings.gateway.image)

    def target(self, *, by: str, doing: str, wait: float = 0.0) -> Target:
        environment = self.project.environment(self.name)
        clock = partial(host_time, self.docker)
        return Target(
            environment=environment,
            engine=DockerEngine(environment, self.docker, self.host, credentials=_credentials),
            traffic=self.traffic,
            ledger=DockerLedger(environment, self.docker, self.image, host=self.host, clock=clock),
            leases=DockerLeases(environment, self.docker, self.image, by, host=self.host, clock=clock),
            signals=DockerSignals(environment, self.docker, self.image, host=self.host),
            console=DockerConsole(environment, self.docker, self.host),
            metrics=LateMetrics(),
            by=by,
            doing=doing,
            wait=wait,
            clock=lambda: iso(clock()),
        )

    async def secrets(self, app: App) -> Mapping[str, bytes]:
        """The values of the application's secrets. Raises InvalidFiles."""
        from fairway.secrets.files import FileSecrets

        return await FileSecrets(self.project.variables(self.name)).values(app)

    async def secrets_of(self, release: Release) -> Mapping[str, bytes]:
        """The secrets of a release, as far as this machine has them in the versions that it pins; the host keeps them, too."""
        from fairway.flows.ingredients import matching

        try:
            return await matching(release, await self.secrets(release.app))
        except InvalidFiles:
            return {}

    def workshop(self, app: App, secrets: Mapping[str, bytes], *, dirty: bool = False) -> Workshop:
        from fairway.builders.docker import DockerBuilder
        from fairway.builders.git import GitSource
        from fairway.builders.store import FileBuilds
        from fairway.engines.docker.testbed import DockerTestBeds
        from fairway.flows.ship import Workshop

        settings = self.project.settings
        host = settings.environments[self.name].hosts[self.host]
        return Workshop(
            app=app,
            source=GitSource(self.project.directory),
            builder=DockerBuilder(host.address, tls_directory(self.project, host)),
            builds=FileBuilds(self.project.directory),
            testbeds=DockerTestBeds(
                self.docker, image=settings.gateway.image, host=self.host, credentials=_credentials
            ),
            registry=settings.registry_of(self.name),
            registries=LateRegistry(self.docker),
            stages=settings.stages(),
            required=settings.required(self.name),
            secrets=secrets,
            dirty=dirty,
        )


class LateRegistry(Struct, frozen=True):
    """HttpRegistry, imported when it is first asked: its HTTP client would cost every deployment 40 ms.

    What the host's engine may reach without TLS, this machine may, too.
    """

    docker: aiodocker.Docker

    async def digest(self, reference: str) -> str | None:
        return await self._registry().digest(reference)

    async def tags(self, repository: str) -> tuple[str, ...]:
        return await self._registry().tags(repository)

    def _registry(self) -> Registry:
        from fairway.registry.http import HttpRegistry
        from fairway.registry.insecure import insecure_registries

        return HttpRegistry(insecure=lambda: insecure_registries(self.docker))


class LateMetrics:
    """Prometheus, imported when it is first asked, as the registry is."""

    async def values(self, url: str, queries: Sequence[str]) -> list[float]:
        from fairway.observe.prometheus import Prometheus

        return await Prometheus().values(url, queries)


@asynccontextmanager
async def connection(project: Project, name: str) -> AsyncIterator[Connection]:
    """Raises EngineUnreachable, Unsupported where the environment has several hosts."""
    settings = project.settings
    label, host = only(project, name)
    async with connect(host.address, tls=tls_of(project, host)) as docker:
        environment = project.environment(name)
        traffic = GatewayTraffic(
            docker,
            environment,
            image=settings.gateway.image,
            http_port=settings.gateway.http,
            where=label,
            tls=edge_tls(project),
        )
        async with traffic:
            yield Connection(project, name, docker, label, traffic)


def _credentials(registry: str) -> Mapping[str, str] | None:
    from fairway.registry.credentials import DockerConfig

    return DockerConfig().for_engine(registry)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InvalidFiles([Problem("is not UTF-8 text", _shown(file))]) from None
    except OSError as error:
        raise InvalidFiles([Problem(f"cannot be read: {error.strerror}", _shown(file))]) from None


def _shown(file: Path) -> str:
    """Relative to where the user stands, where that is shorter."""
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)
