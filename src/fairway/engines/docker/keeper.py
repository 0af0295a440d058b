"""The keeper of a host: a container that mounts the ledger's volume, so that no prune can take it, and a shell for whoever works there.

All that one process asks of it goes through one shell: each call of Docker's that moves files costs 70 ms, a script 2.
"""

from __future__ import annotations

import asyncio
from typing import Any

from fairway.engines.docker.errors import explained
from fairway.engines.docker.observed import GONE, inspect
from fairway.engines.docker.small import confined
from fairway.engines.docker.volumes import show
from fairway.net.client import Docker, DockerError
from fairway.net.process import process
from fairway.net.shell import Answer, Shell, ShellEnded
from fairway.render import names

LEDGER = "/ledger"
LABELS = {names.KIND: names.Kind.KEEPER.value}
MEMORY = 64 << 20
PROCESSES = 256
"""Each deployer, and each one who waits for a lease, has a shell there."""
DESCRIPTORS = range(4, 10)
"""Of a shell's files: with one digit, for dash knows no others, and beyond those that it has itself."""
NAMED = 200
"""How often it is tried again to start what somebody else has named."""
PATIENCE = 60.0
"""Seconds for a script; a disk may be slow."""


class Keeper:
    """`image` has sh, sleep, tar, base64 and flock. `host` is for people. Close it: it keeps a connection open."""

    def __init__(self, docker: Docker, image: str, host: str = "local") -> None:
        self.docker = docker
        self.image = image
        self.host = host
        self._opening = asyncio.Lock()
        self._shell: Shell | None = None
        self.descriptors = list(DESCRIPTORS)
        """Those of its shell that no lease has: each lease is a file that is open and locked."""

    async def aclose(self) -> None:
        if self._shell is not None:
            await self._shell.close()

    async def wake(self) -> None:
        """Its shell takes 60 ms to come: whoever is going to ask something can have something else to do meanwhile."""
        await self._open()

    async def run(self, script: str, *, timeout: float = PATIENCE) -> Answer:
        """In its shell; the keeper is made, or started, where it does not run.

        A shell that has ended is replaced once: let scripts be safe to repeat.
        """
        try:
            return await (await self.shell()).run(script, timeout=timeout)
        except ShellEnded:
            return await (await self.shell()).run(script, timeout=timeout)

    async def ask(self, script: str) -> Answer | None:
        """As `run`, for those that only look: None where this host has no ledger, and then none is made."""
        if self._shell is None and not await self._open() and await show(self.docker, names.LEDGER) is None:
            return None
        return await self.run(script)

    async def shell(self) -> Shell:
        if not await self._open():
            await self._ensure()
            await self._open()
        if self._shell is None:
            raise ShellEnded(
                "The keeper of the ledger does not run", where=self.host, hint=f"docker logs {names.KEEPER}"
            )
        return self._shell

    async def _open(self) -> bool:
        """Whether there is a shell: a new one where the one before has ended, none where nothing runs that could have one."""
        async with self._opening:
            if self._shell is not None and self._shell.alive:
                return True
            await self.aclose()
            self._shell = None
            with explained(self.host, "The keeper of the ledger does not take a command"):
                try:
                    started = await process(self.docker, names.KEEPER, ["/bin/sh"], stdin=True)
                except DockerError as error:
                    if error.status not in GONE:
                        raise
                    return False
            self._shell = Shell(started, "The keeper of the ledger", self.host)
            return True

    async def _ensure(self) -> None:
        with explained(self.host, "The keeper of the ledger could not be started"):
            found = await inspect(self.docker, names.KEEPER)
            if found is None:
                await self._create()
            if found is None or not found["State"]["Running"]:
                await self._start()

    async def _start(self) -> None:
        """Another deployer's container has its name a moment before it can be started."""
        for _ in range(NAMED):
            try:
                await self.docker.post(f"containers/{names.KEEPER}/start")
                return
            except DockerError as error:
                if error.status != 404:
                    raise
            await asyncio.sleep(0.05)
        await self.docker.post(f"containers/{names.KEEPER}/start")

    async def _create(self) -> None:
        await self.docker.post("volumes/create", {"Name": names.LEDGER, "Labels": LABELS})
        mount: dict[str, Any] = {"Type": "volume", "Source": names.LEDGER, "Target": LEDGER}
        body = confined(
            self.image,
            ["sleep", "infinity"],
            LABELS,
            Mounts=[mount],
            RestartPolicy={"Name": "always"},
            Memory=MEMORY,
            MemorySwap=MEMORY,
            PidsLimit=PROCESSES,
        )
        try:
            await self.docker.post("containers/create", body, name=names.KEEPER)
        except DockerError as error:
            if error.status != 409:  # another deployer was faster
                raise
