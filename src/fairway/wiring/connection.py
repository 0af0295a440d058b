"""An environment of a project, connected: what the commands work with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

from fairway.flows.context import Target, iso
from fairway.model.app import App
from fairway.model.errors import UsageError
from fairway.model.garbage import Retention
from fairway.model.release import Release
from fairway.ports import Collector
from fairway.wiring.hosts import tls_directory
from fairway.wiring.parts import Parts, credentials
from fairway.wiring.secrets import LateSecrets, silent

if TYPE_CHECKING:
    from fairway.flows.ship import Workshop
    from fairway.net.client import Docker
    from fairway.ports.making import Registry
    from fairway.wiring.checkout import Project
    from fairway.wiring.proofs import Proofs


class Connection(Struct, frozen=True):
    """An environment of a project, and its engine, connected."""

    project: Project
    name: str
    parts: Parts
    kept: LateSecrets
    tell: Callable[[str], None] = silent
    """Told what a person should know."""

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
            files=parts.files,
            values=self.secrets_of,
            retention=self.retention,
            metrics=LateMetrics(),
            certifying=parts.certifying,
            by=by,
            doing=doing,
            wait=wait,
            clock=lambda: iso(parts.clock()),
            lost=parts.lost,
            accept=parts.accept,
            waiting=parts.waiting,
            fleet=parts.by_gateway,
            stops_on_loss=settings.on_host_loss == "stop",
            trail=parts.records.trail(by),
        )

    @property
    def proofs(self) -> Proofs:
        """What is known of images, and what is required."""
        from fairway.wiring.proofs import Proofs

        return Proofs(self.project, self.name, self.parts)

    async def secrets(self, app: App, configs: Mapping[str, str] | None = None) -> Mapping[str, bytes]:
        """The values of the application's secrets, those in its `configs` (contents, base64) too. Raises InvalidFiles, SecretError."""
        from fairway.flows.ingredients import secret_keys

        return await self.kept.open().values(app, secret_keys(app, configs or {}))

    async def secrets_of(self, release: Release) -> Mapping[str, bytes]:
        """The secrets of a release, as far as this machine gets them in the versions that it pins; the hosts keep them, too."""
        kept = self.kept.open()
        values = await kept.pinned(release)
        trouble = kept.trouble
        if trouble and release.secrets.keys() - values.keys():
            self.tell(f"{trouble.what}: the hosts have to have the secrets of release {release.number}")
        return values

    @property
    def retention(self) -> Retention:
        settings = self.project.settings
        return Retention(releases=settings.keep_releases, younger_than=settings.prune.younger_than)

    def collectors(self) -> tuple[Collector, ...]:
        from fairway.wiring.pruning import collectors

        return collectors(self)

    def workshop(
        self, app: App, secrets: Mapping[str, bytes], configs: Mapping[str, str], by: str, *, dirty: bool = False
    ) -> Workshop:
        from fairway.builders.docker import DockerBuilder
        from fairway.builders.git import GitSource
        from fairway.builders.store import FileBuilds
        from fairway.engines.docker.testbed import DockerTestBeds
        from fairway.flows.ship import Workshop
        from fairway.security.harden import harden

        policies = self.project.policies(self.name, app)
        settings, docker, label = self.project.settings, self.parts.docker, self.parts.builder
        host = settings.environments[self.name].hosts[label]
        builder = DockerBuilder(host.address, tls_directory(self.project, host))
        return Workshop(
            app=app,
            source=GitSource(self.project.directory),
            builder=builder,
            builds=FileBuilds(self.project.directory),
            testbeds=DockerTestBeds(
                docker,
                image=settings.gateway.image,
                host=label,
                credentials=credentials,
                harden=lambda plain, images: harden(plain, images, policies).app,
                configs=configs,
            ),
            registry=settings.registry_of(self.name),
            registries=LateRegistry(docker),
            stages=settings.stages(),
            required=settings.required(self.name),
            secrets=secrets,
            dirty=dirty,
            notary=cache(lambda: self.proofs.notary(app, by, builder)),
        )


class LateRegistry(Struct, frozen=True):
    """HttpRegistry, imported when it is first asked: its HTTP client would cost every deployment 40 ms.

    What the host's engine may reach without TLS, this machine may, too.
    """

    docker: Docker

    async def digest(self, reference: str) -> str | None:
        return await self._registry().digest(reference)

    async def tags(self, repository: str) -> tuple[str, ...]:
        return await self._registry().tags(repository)

    def _registry(self) -> Registry:
        from fairway.wiring.proofs import registry

        return registry(self.docker)


class LateMetrics:
    """Prometheus, imported when it is first asked, as the registry is."""

    async def values(self, url: str, queries: Sequence[str]) -> list[float]:
        from fairway.observe.prometheus import Prometheus

        return await Prometheus().values(url, queries)


@asynccontextmanager
async def connection(
    project: Project,
    name: str,
    *,
    changes: bool = False,
    repairs: bool = False,
    without: Collection[str] = (),
    tell: Callable[[str], None] = silent,
) -> AsyncIterator[Connection]:
    """Raises EngineUnreachable where no host answers. `tell` is told what a person should know.

    `changes`: what is done needs as many hosts as `on_host_loss` says; `repairs`: it goes on without `max_lost` of them;
    `without`: hosts that are known to be dead, and are not counted. Raises UsageError where one of those answers, or is none.
    """
    _refuse_strangers(project, name, without)
    said = project.settings.environments[name]
    if said.engine == "swarm":
        from fairway.wiring.swarm import swarm

        opening = swarm(project, name, without=without)
    elif len(said.hosts) > 1:
        from fairway.wiring.fleet import fleet

        opening = fleet(project, name, changes=changes, repairs=repairs, without=without)
    else:
        from fairway.wiring.one_host import one_host

        opening = one_host(project, name)
    kept = LateSecrets(project, name)
    async with opening as parts:
        try:
            yield Connection(project, name, parts, kept, tell)
        finally:
            await kept.close()


def _refuse_strangers(project: Project, name: str, without: Collection[str]) -> None:
    hosts = project.settings.environments[name].hosts
    for host in without:
        if host not in hosts:
            raise UsageError(f"{name} has no host {host}", hint=f"its hosts: {', '.join(sorted(hosts))}")
    if without and len(without) == len(hosts):
        raise UsageError(f"that is every host of {name}", hint="there has to be one that answers")
