"""From a manager to every gateway of the Swarm: through the courier on that manager, which has their secret."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from fairway.gateway.session import GATEWAY, words
from fairway.gateway.swarm.services import COURIER, SEAL
from fairway.model.errors import EngineUnreachable, FairwayError, GatewayError
from fairway.net.client import Docker
from fairway.net.errors import translated
from fairway.net.kept import KeptShell
from fairway.net.managers import Managers
from fairway.net.shell import Shell

T = TypeVar("T")

REACH = ("/bin/sh", "/run/fairway/reach")
"""In the courier: a shell in the gateway with the address that follows."""
PATIENCE = 60.0
"""Seconds in which a courier that was lost is there again, or another manager is asked."""
AGAIN = 0.3
_FILTERS = {"label": [f"com.docker.swarm.service.name={COURIER}"], "status": ["running"]}


class Courier(KeptShell):
    """Its shell is in the courier itself. Calls raise FairwayError."""

    def __init__(self, managers: Managers, *, patience: float = PATIENCE) -> None:
        super().__init__()
        self.managers = managers
        self.patience = patience

    async def to(self, address: str, where: str) -> Shell:
        """A shell in the gateway at this address of their network, that knows the gateway's words."""
        command = [*REACH, address]
        return await self._through(
            lambda docker, courier: Shell.open(docker, courier, GATEWAY, where, words=words(), command=command)
        )

    async def spawn(self, script: str, *, timeout: float) -> str:
        """The one line that it prints on the gateways' network. Several run at once."""
        return await self.with_shell(lambda shell: shell.spawn(script, timeout=timeout))

    async def seal(self) -> bytes:
        """The key with which is sealed what is secret, and kept where the ledger is."""
        answer = await self.with_shell(lambda shell: shell.run(f"cat /run/fairway/{SEAL}", timeout=10))
        if answer.status != 0 or len(answer.output.strip()) != 64:
            raise GatewayError("The courier has no key", where=self.managers.name, why=answer.output.strip())
        return bytes.fromhex(answer.output.strip())

    async def open(self) -> Shell:
        where = self.managers.name
        return await self._through(lambda docker, container: Shell.open(docker, container, "The courier", where))

    async def _through(self, call: Callable[[Docker, str], Awaitable[T]]) -> T:
        """With the courier of a manager that has one, and answers. What the gateway itself fails with is raised at once."""
        deadline = time.monotonic() + self.patience
        while True:
            failed: FairwayError | None = None
            for _ in range(max(1, len(self.managers.engines))):
                docker, name = self.managers.docker, self.managers.name
                try:
                    with translated(name):
                        async with asyncio.timeout(5):
                            found = await docker.get("containers/json", filters=_FILTERS)
                    if found:
                        return await call(docker, found[0]["Id"])
                except EngineUnreachable as error:
                    failed = error
                self.managers.pass_over(name)
            if time.monotonic() + AGAIN > deadline:
                raise failed or GatewayError(
                    "No courier runs on a manager",
                    where=", ".join(self.managers.engines),
                    why=f"there is no running task of {COURIER} there",
                    hint=f"docker service ps --no-trunc {COURIER}; fairway deploy starts it",
                )
            await asyncio.sleep(AGAIN)
