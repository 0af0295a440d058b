"""Opens what a command works on: the project, one of its environments, and the connection to its engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct

from fairway import wiring
from fairway.cli.common import Common, environment, seconds, warn, whoami
from fairway.flows.context import Target


class Session(Struct, frozen=True):
    connection: wiring.Connection
    target: Target

    @property
    def name(self) -> str:
        return self.connection.name


@asynccontextmanager
async def session(
    options: Common, named: str | None, doing: str, wait: str = "0", *, changes: bool = False, repairs: bool = False
) -> AsyncIterator[Session]:
    """`changes` says that the command may change the environment: what that needs is put on the hosts first; `repairs`, that it
    is for when hosts are lost."""
    project = wiring.project(options.directory)
    name = environment(project.settings, named)
    patience = seconds(wait)
    async with wiring.connection(project, name, changes=changes, repairs=repairs) as connection:
        for label, why in connection.parts.lost().items():
            warn(f"{label} does not answer: {why}")
        if changes:
            await connection.prepare()
        yield Session(connection, connection.target(by=whoami(), doing=f"fairway {doing}", wait=patience))
