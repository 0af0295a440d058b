"""Opens what a command works on: the project, one of its environments, and the connection to its engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from importlib import import_module

from msgspec import Struct
from msgspec.structs import replace

from fairway import wiring
from fairway.cli import trail
from fairway.cli.common import Common, environment, seconds, warn, whoami
from fairway.cli.trail import Told
from fairway.flows.context import Target
from fairway.model.errors import FairwayError


class Session(Struct, frozen=True):
    """`told` is what the audit trail is going to be told; `changes` says that the environment may be changed."""

    connection: wiring.Connection
    target: Target
    told: Told
    changes: bool = False

    @property
    def name(self) -> str:
        return self.connection.name


@asynccontextmanager
async def session(
    options: Common,
    named: str | None,
    doing: str,
    wait: str = "0",
    *,
    changes: bool = False,
    repairs: bool = False,
    recorded: bool = False,
    dead: Collection[str] = (),
) -> AsyncIterator[Session]:
    """`changes` says that the command may change the environment: what that needs is put on the hosts first; `repairs`, that it
    is for when hosts are lost; `dead`, hosts that are not counted, beside those of the options. What changes something, or is to be
    `recorded`, is in the audit trail when this ends."""
    project = wiring.project(options.directory)
    name = environment(project.settings, named)
    patience = seconds(wait)
    without = (*options.without, *dead)
    opening = wiring.connection(project, name, changes=changes, repairs=repairs, without=without, tell=warn)
    async with opening as connection:
        for label, why in connection.parts.lost().items():
            warn(f"{label} does not answer: {why}")
        told = Told()
        target = connection.target(by=whoami(), doing=f"fairway {doing}", wait=patience)
        here = Session(connection, replace(target, begins=told.begins), told, changes)
        told_of = _passing_over(connection.parts.passed_over)
        async with told_of, _told(here, changes or recorded), _greeted(here.target, changes):
            if changes:
                await connection.prepare()
            yield here


async def meanwhile(module: str) -> None:
    """Import what a command needs while the first words with its hosts are under way: both take about as long."""
    await asyncio.to_thread(import_module, module)


@asynccontextmanager
async def _passing_over(passed_over: Callable[[], Mapping[str, str]]) -> AsyncIterator[None]:
    """Others do what these would have done: whoever does not look is told that there are fewer of them."""
    before = passed_over()
    for label, why in before.items():
        warn(f"{label} does not answer, and is passed over: {why}")
    try:
        yield
    finally:
        for label in passed_over().keys() - before.keys():
            warn(f"{label} has stopped answering, and was passed over")


@asynccontextmanager
async def _told(here: Session, recorded: bool) -> AsyncIterator[None]:
    """What became of it is written to the trail."""
    failure: BaseException | None = None
    try:
        yield
    except BaseException as error:
        failure = error
        raise
    finally:
        if recorded and here.target.trail:
            here.target.accept()
            await trail.write(here.target.trail, here.target.doing, here.told, failure)


@asynccontextmanager
async def _greeted(target: Target, changes: bool) -> AsyncIterator[None]:
    """The first word with a gateway takes 60 ms: time in which the lease is taken. What it says now, it will be asked again."""

    async def greet() -> None:
        with suppress(FairwayError):
            await target.traffic.observe()

    greeting = asyncio.create_task(greet()) if changes else None
    try:
        yield
    finally:
        if greeting:
            greeting.cancel()
