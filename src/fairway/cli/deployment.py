"""What the commands share that make a release: the application, its policies, its secrets, and where images are made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from fairway import wiring
from fairway.cli.common import Common, show, show_json
from fairway.cli.progress import progress
from fairway.cli.session import Session, session
from fairway.flows.context import Target
from fairway.flows.deploy import Deployed
from fairway.flows.ingredients import configs_of, gather
from fairway.flows.proposal import Propose, of
from fairway.flows.ship import Workshop, find, refuse_unpromoted
from fairway.model.app import App
from fairway.model.build import Build, ImageRef
from fairway.model.events import Note
from fairway.model.policy import ServicePolicy


class Deployment(Struct, frozen=True):
    session: Session
    app: App
    policies: Mapping[str, ServicePolicy]
    secrets: Mapping[str, bytes]
    configs: Mapping[str, str]
    shop: Workshop

    @property
    def target(self) -> Target:
        return self.session.target

    async def built(self, commit: str | None) -> Propose:
        """What was built of `commit` (a tag), else of the checked-out one, as a proposal."""
        return await self.proposal(await find(self.shop, commit))

    async def proposal(self, build: Build | None) -> Propose:
        """What is to be deployed: the application as its files are now, with the images of `build`."""
        ingredients = await gather(
            self.target,
            self.app,
            policies=self.policies,
            build=build,
            secrets=self.secrets,
            configs=self.configs,
        )
        if build:
            await self._refuse_unpromoted({name: ingredients.images[name] for name in build.images})
        return of(ingredients)

    async def _refuse_unpromoted(self, built: Mapping[str, ImageRef]) -> None:
        project = self.session.connection.project
        origin = project.settings.environments[self.session.name].promote_from
        if origin:
            async with wiring.connection(project, origin) as there:
                records = await there.target(by=self.target.by, doing=self.target.doing).ledger.read()
            refuse_unpromoted(built, records, origin)


@asynccontextmanager
async def deployment(
    options: Common, named: str | None, doing: str, wait: str = "0", *, dirty: bool = False
) -> AsyncIterator[Deployment]:
    changes = doing in ("ship", "deploy")
    async with session(options, named, doing, wait, changes=changes) as here:
        project = here.connection.project
        app = project.app(here.name)
        policies = project.policies(here.name, app)
        with progress() as emit:
            for doubt in project.edge_warnings(here.name, policies) if changes else ():
                emit(Note(str(doubt), "warning"))
        here.target.engine.refuse(app)
        secrets = await here.connection.secrets(app)
        configs = configs_of(app, project.variables(here.name), lambda path: Path(path).read_bytes())
        shop = here.connection.workshop(app, secrets, dirty=dirty)
        yield Deployment(here, app, policies, secrets, configs, shop)


def report(environment: str, done: Deployed, json: bool) -> None:
    release = done.release
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
