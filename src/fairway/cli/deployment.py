"""What the commands share that make a release: the application, its policies, its secrets, and where images are made."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from fairway import wiring
from fairway.cli.common import show, show_json, warn
from fairway.cli.progress import progress
from fairway.cli.session import Session
from fairway.flows.context import Target
from fairway.flows.deploy import Deployed
from fairway.flows.gate import Admitted, admit, carry
from fairway.flows.ingredients import gather
from fairway.flows.promotion import bring, carried
from fairway.flows.proposal import Propose, of
from fairway.flows.ship import Workshop, find
from fairway.model.app import App
from fairway.model.build import Build, ImageRef
from fairway.model.events import Event, Note
from fairway.model.hardening import Hardened
from fairway.model.policy import ServicePolicy
from fairway.model.release import Record, Release
from fairway.ports.evidence import EvidenceStore
from fairway.security.harden import harden


@dataclass
class Deployment:
    """`override` is why somebody wants to go past what the environment requires; `named` how commands name the images, where it is
    not by their commit; `admitted` what was found of them."""

    session: Session
    app: App
    policies: Mapping[str, ServicePolicy]
    secrets: Mapping[str, bytes]
    configs: Mapping[str, str]
    shop: Workshop
    override: str = ""
    named: str = ""
    admitted: Admitted = field(default_factory=Admitted)
    brought: tuple[EvidenceStore, ...] = ()
    """What is known of the images where they come from."""

    @property
    def target(self) -> Target:
        return replace(self.session.target, begins=self._begins)

    def hardened(self, release: Release) -> tuple[Hardened, ...]:
        """What was added to its services for their safety, and what was left."""
        return harden(self.app, release.images, self.policies).told

    async def built(self, commit: str | None) -> Propose:
        """What was built of `commit` (a tag), else of the checked-out one, as a proposal."""
        return await self.proposal(await find(self.shop, commit, untested=bool(self.override)))

    async def proposal(
        self, build: Build | None, *, reason: str = "deploy", others: Mapping[str, ImageRef] | None = None
    ) -> Propose:
        """What is to be deployed: the application as its files are now, with the images of `build`, and of `others`.

        Raises PolicyRefused where the environment requires more than is known of those that were built.
        """
        ingredients = await gather(
            self.session.target,
            self.app,
            policies=self.policies,
            build=build,
            secrets=self.secrets,
            configs=self.configs,
            others=others or {},
        )
        if build:
            await self._admit({name: ingredients.images[name] for name in build.images}, build)
        override = self.override if self.admitted.overridden else ""
        return of(replace(ingredients, reason=reason, override=override))

    async def promotion(self, origin: str) -> Propose:
        """The very images that serve in the environment `origin`, as a proposal."""
        async with wiring.connection(self.session.connection.project, origin) as there:
            found = carried(self.app, await self._records(there), origin)
            self.brought = (await bring(found, origin, there.proofs.here, say),)
        self.named = f"--from {origin}"
        reason = f"promote from {origin} (release {found.origin.number})"
        return await self.proposal(found.build, reason=reason, others=found.others)

    async def _admit(self, images: Mapping[str, ImageRef], build: Build) -> None:
        connection = self.session.connection
        settings = connection.project.settings.environments[self.session.name]
        origin = settings.promoted_from

        async def records() -> tuple[Record, ...]:
            if origin is None:
                return ()
            async with wiring.connection(connection.project, origin.environment) as there:
                return await self._records(there)

        gate = connection.proofs.gate(records, self.brought)
        self.admitted = await admit(gate, images, build, say, override=self.override, named=self.named)
        if self.admitted.overridden:
            self.session.told.override = self.override
            self.session.told.overridden = self.admitted.overridden

    async def _records(self, there: wiring.Connection) -> tuple[Record, ...]:
        target = self.session.target
        return await there.target(by=target.by, doing=target.doing).ledger.read()

    async def _begins(self, release: Release) -> None:
        await self.session.told.begins(release)
        proofs = self.session.connection.proofs
        await carry((proofs.local, *self.brought), proofs.kept, release, self.admitted, say)


async def nothing() -> tuple[Record, ...]:
    """The ledger that nobody asks for."""
    return ()


async def deployment(here: Session, *, dirty: bool = False, override: str = "") -> Deployment:
    """What the project's files say now. Raises InvalidFiles, and what reading secrets raises."""
    project = here.connection.project
    app = await asyncio.to_thread(project.app, here.name)
    policies = await asyncio.to_thread(project.policies, here.name, app)
    with progress() as emit:
        for doubt in project.edge_warnings(here.name, policies) if here.changes else ():
            emit(Note(str(doubt), "warning"))
    here.target.engine.refuse(app)
    configs = project.configs(here.name, app)
    secrets = await here.connection.secrets(app, configs)
    shop = here.connection.workshop(app, secrets, configs, here.target.by, dirty=dirty)
    return Deployment(here, app, policies, secrets, configs, shop, override)


def say(event: Event) -> None:
    if isinstance(event, Note):
        warn(event.text)


def report(here: Session, done: Deployed, json: bool) -> None:
    environment, release = here.name, done.release
    here.told.release, here.told.changed = release.number, done.changed
    if json:
        show_json(
            {
                "environment": environment,
                "release": release.number,
                "changed": done.changed,
                "seconds": round(done.seconds, 3),
            }
        )
    elif done.changed:
        show(f"release {release.number} serves in {environment} ({done.seconds:.1f} s)")
    else:
        show(f"nothing has changed: release {release.number} serves in {environment}")
