"""An environment of a project, connected: what the commands work with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from msgspec import Struct

from fairway.flows.context import Target, iso
from fairway.model.app import App
from fairway.model.errors import InvalidFiles
from fairway.model.release import Release
from fairway.wiring.hosts import tls_directory
from fairway.wiring.parts import Parts, credentials

if TYPE_CHECKING:
    import aiodocker

    from fairway.flows.ship import Workshop
    from fairway.ports.making import Registry
    from fairway.wiring.checkout import Project


class Connection(Struct, frozen=True):
    """An environment of a project, and its engine, connected."""

    project: Project
    name: str
    parts: Parts

    async def prepare(self) -> None:
        """What changing anything needs: Fairway's own image on the hosts. Raises ImageNotFound, EngineError."""
        await self.parts.prepare()

    def target(self, *, by: str, doing: str, wait: float = 0.0) -> Target:
        parts, settings = self.parts, self.project.settings.environments[self.name]
        return Target(
            environment=self.project.environment(self.name),
            engine=parts.engine,
            traffic=parts.traffic,
            ledger=parts.ledger,
            leases=parts.leases(by),
            signals=parts.signals,
            console=parts.console,
            metrics=LateMetrics(),
            by=by,
            doing=doing,
            wait=wait,
            clock=lambda: iso(parts.clock()),
            lost=parts.lost,
            fleet=len(settings.hosts) > 1,
            stops_on_loss=settings.on_host_loss == "stop",
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

        settings, docker, label = self.project.settings, self.parts.docker, self.parts.builder
        host = settings.environments[self.name].hosts[label]
        return Workshop(
            app=app,
            source=GitSource(self.project.directory),
            builder=DockerBuilder(host.address, tls_directory(self.project, host)),
            builds=FileBuilds(self.project.directory),
            testbeds=DockerTestBeds(docker, image=settings.gateway.image, host=label, credentials=credentials),
            registry=settings.registry_of(self.name),
            registries=LateRegistry(docker),
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
async def connection(
    project: Project, name: str, *, changes: bool = False, repairs: bool = False
) -> AsyncIterator[Connection]:
    """Raises EngineUnreachable where no host answers.

    `changes`: what is done needs as many hosts as `on_host_loss` says; `repairs`: it goes on without `max_lost` of them.
    """
    if len(project.settings.environments[name].hosts) > 1:
        from fairway.wiring.fleet import fleet

        opening = fleet(project, name, changes=changes, repairs=repairs)
    else:
        from fairway.wiring.one_host import one_host

        opening = one_host(project, name)
    async with opening as parts:
        yield Connection(project, name, parts)
