"""A shell in the gateway's container, that knows the words of data/gateway/session.sh."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

from fairway.net.client import Docker
from fairway.net.shell import Shell

GATEWAY = "The gateway"


async def session(docker: Docker, container: str, where: str) -> Shell:
    """Raises EngineError, EngineUnreachable, ShellEnded where the container does not run."""
    return await Shell.open(docker, container, GATEWAY, where, words=words())


def words() -> str:
    """What the shell is told first."""
    return files("fairway.data").joinpath("gateway/session.sh").read_text()


@asynccontextmanager
async def opened(docker: Docker, container: str, where: str) -> AsyncIterator[Shell]:
    shell = await session(docker, container, where)
    try:
        yield shell
    finally:
        await shell.close()
