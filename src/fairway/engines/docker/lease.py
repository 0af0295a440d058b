"""The right to change an environment: a container whose name is the mutex and whose standard input is its holder's life.

It runs `cat`. The holder keeps the connection to its standard input open; when the holder ends, however it ends, the
connection closes, `cat` ends, and Docker removes the container.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import aiodocker
from aiodocker.containers import DockerContainer
from aiodocker.exceptions import DockerError
from aiodocker.stream import Stream

from fairway.engines.docker.errors import explained
from fairway.engines.docker.observed import GONE, inspect
from fairway.engines.docker.small import confined
from fairway.engines.docker.together import unbroken
from fairway.engines.docker.watching import changes
from fairway.model.environment import Environment
from fairway.model.errors import EngineError, FairwayError, Locked
from fairway.net.errors import translated
from fairway.ports import Holder
from fairway.render import names

ALONE = "none"
"""Docker's name for no network."""
DOING, SINCE = "fairway.doing", "fairway.since"
MOMENT = 3.0
"""Seconds that a container may take from its creation to its start, or from its end to its removal."""


class DockerLeases:
    """`ports.Leases` on one Docker host. `image` has `cat`; `by` is who asks: user@machine; `clock` gives seconds since the epoch."""

    def __init__(
        self,
        environment: Environment,
        docker: aiodocker.Docker,
        image: str,
        by: str,
        *,
        host: str = "local",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.environment = environment
        self.docker = docker
        self.image = image
        self.by = by
        self.host = host
        self.clock = clock
        self.name = names.lease(environment)
        self.labels = names.of_environment(environment, names.Kind.LEASE)

    async def holder(self) -> Holder | None:
        with translated(self.host):
            found = await inspect(self.docker, self.name)
        return read(found) if found and found["State"]["Running"] else None

    @asynccontextmanager
    async def hold(self, doing: str, wait: float = 0.0) -> AsyncIterator[asyncio.Event]:
        """Raises Locked with the holder where it is not free within `wait` seconds.

        Should the lease be lost while it is held, the body is cancelled and EngineError raised: nobody may go on without.
        """
        container, stdin = await self._acquire(doing, wait)
        async with guarded(
            lambda: _ended(stdin), lambda: unbroken(self._release(container, stdin)), self._lost
        ) as lost:
            yield lost

    async def _acquire(self, doing: str, wait: float) -> tuple[str, Stream]:
        """The container, and the connection that keeps it."""
        deadline = time.monotonic() + wait
        if held := await self._patient_try(doing):
            return held
        async with aclosing(changes(self.docker, self.labels, self.host, happenings=("destroy", "rename"))) as news:
            try:
                while time.monotonic() < deadline:
                    async with asyncio.timeout_at(asyncio.get_running_loop().time() + deadline - time.monotonic()):
                        await anext(news)
                    if held := await self._patient_try(doing):
                        return held
            except TimeoutError:
                pass
        raise await self._locked(wait)

    async def _patient_try(self, doing: str) -> tuple[str, Stream] | None:
        """None where somebody holds it; what a dead deployer has left is removed first."""
        until = time.monotonic() + MOMENT
        left: str | None = None
        while True:
            if held := await unbroken(self._try(doing)):
                return held
            found = await inspect(self.docker, self.name)
            if found and found["State"]["Running"]:
                return None
            if found and found["Id"] != left:
                # A new one: it, too, has its moment.
                left, until = found["Id"], time.monotonic() + MOMENT
            elif found and time.monotonic() > until:
                await self._sweep(found["Id"])
            await asyncio.sleep(0.02)

    async def _try(self, doing: str) -> tuple[str, Stream] | None:
        with explained(self.host, f"{self.environment} could not be locked"):
            try:
                return await self._made(doing, await self._network())
            except DockerError:  # the keeper has just gone, or it comes up again
                return await self._made(doing, ALONE)

    async def _made(self, doing: str, network: str) -> tuple[str, Stream] | None:
        labels = self.labels | {names.BY: self.by, DOING: doing, SINCE: f"{self.clock():.3f}"}
        body = confined(self.image, ["cat"], labels, AutoRemove=True, NetworkMode=network)
        body |= {"OpenStdin": True, "StdinOnce": True, "AttachStdin": True, "AttachStdout": True}
        try:
            made = await self.docker._query_json(
                "containers/create", "POST", params={"name": self.name}, data=json.dumps(body)
            )
        except DockerError as error:
            if error.status == 409:
                return None
            raise
        return await self._take(made["Id"])

    async def _network(self) -> str:
        """None; that of the keeper, where it runs, is none either, and need not be made: half of the time that `cat` takes to start."""
        found = await inspect(self.docker, names.KEEPER)
        return f"container:{found['Id']}" if found and found["State"]["Running"] else ALONE

    async def _take(self, container: str) -> tuple[str, Stream] | None:
        """Attach, then start: from its first moment the container lives as long as the connection."""
        lease = self.docker.containers.container(container)
        stdin = lease.attach(stdin=True, stdout=True)
        try:
            await stdin.__aenter__()
            await lease.start()
        except BaseException as error:
            await stdin.close()
            await self._sweep(container, force=True)
            if isinstance(error, DockerError) and error.status == 404:
                return None  # swept by somebody who took us for dead: try again
            raise
        return container, stdin

    async def _release(self, container: str, stdin: Stream) -> None:
        """The name is free when this returns; `cat` ends, and Docker removes the container in its own time."""
        lease = self.docker.containers.container(container)
        try:
            with suppress(FairwayError), translated(self.host):  # a lost connection frees it as well
                await self._rename(lease, f"{self.name}-{container[:12]}")
        finally:
            with suppress(Exception):
                await stdin.close()

    async def _rename(self, lease: DockerContainer, name: str) -> None:
        try:
            await lease.rename(name)
        except DockerError as error:
            if error.status not in GONE:
                raise
            with suppress(DockerError):
                await lease.wait(condition="removed")

    async def _sweep(self, container: str, force: bool = False) -> None:
        """Without force, Docker refuses to remove one that has been started after all."""
        with suppress(DockerError):
            await self.docker.containers.container(container).delete(force=force, v=True)

    async def _locked(self, wait: float) -> Locked:
        holder = await self.holder()
        waited = f" after {wait:g} s" if wait else ""
        return Locked(
            f"{self.environment} is locked{waited}",
            where=self.host,
            why=describe(holder) if holder else "its holder has just left",
            hint="try again" if not holder else "wait for it with --wait 5m",
        )

    def _lost(self) -> EngineError:
        return EngineError(
            f"The lease of {self.environment} was lost",
            where=self.host,
            why=f"the container {self.name}, or the connection to it, has ended",
            hint="run the command again: it goes on from what is there",
        )


@asynccontextmanager
async def guarded(
    ended: Callable[[], Awaitable[None]], release: Callable[[], Awaitable[None]], error: Callable[[], EngineError]
) -> AsyncIterator[asyncio.Event]:
    """A body that is cancelled, and `error` raised, as soon as the lease has `ended`; whatever happens, `release` is called."""
    body, lost = asyncio.current_task(), asyncio.Event()
    assert body
    asked = body.cancelling()
    guard = asyncio.create_task(_guard(ended, body, lost))
    try:
        yield lost
    except asyncio.CancelledError:
        if lost.is_set() and body.uncancel() <= asked:
            raise error() from None
        raise
    finally:
        guard.cancel()
        try:
            await asyncio.wait([guard])
        except asyncio.CancelledError:
            if not lost.is_set():
                raise
            body.uncancel()  # lost in the very moment in which it is given back
        finally:
            await release()


async def _guard(ended: Callable[[], Awaitable[None]], body: asyncio.Task[Any], lost: asyncio.Event) -> None:
    await ended()
    lost.set()
    body.cancel()


async def _ended(stdin: Stream) -> None:
    """Returns when the connection ends."""
    with suppress(Exception):
        while await stdin.read_out() is not None:
            pass


def read(container: dict[str, Any]) -> Holder:
    labels = container["Config"].get("Labels") or {}
    return Holder(labels.get(names.BY, "somebody"), labels.get(DOING, "something"), float(labels.get(SINCE) or 0))


def describe(holder: Holder) -> str:
    since = datetime.fromtimestamp(holder.since, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{holder.by} holds it since {since}: {holder.doing}"
