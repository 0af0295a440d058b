"""The right to change an environment: a lock that a deployer's shell in the keeper holds, and that ends with that shell.

The shell reads from its deployer; when the deployer ends, however it ends, the connection closes, the shell ends, and the
kernel frees the lock. Nobody has to tidy up, and whoever waits for it sleeps until it is free. A connection that was cut
does not close, for minutes: so the deployer gives signs of life, and the shell of one that gives none is ended.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from shlex import quote

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from fairway.engines.common.guard import guarded
from fairway.engines.common.holding import describe
from fairway.engines.common.together import unbroken
from fairway.engines.docker.errors import hint
from fairway.engines.docker.keeper import DESCRIPTORS, LEDGER, Keeper
from fairway.model.environment import Environment
from fairway.model.errors import EngineError, FairwayError, Locked
from fairway.net.client import DockerError
from fairway.net.errors import translated
from fairway.net.shell import Shell, ShellEnded
from fairway.ports import Holder
from fairway.render import names

TAKEN = 75
LEAST = 0.3
"""Seconds that everybody waits: whoever looks whether it is free holds it for a moment."""
SLICE = 5.0
"""Seconds for which it is waited at a time: the same shell may hold others, and owes signs of life for them."""
SILENCE = 40.0
"""Seconds without a sign of life after which the keeper frees it. There is one in each eighth; who cannot give one within half of
them holds nothing any more."""
LATE = 30.0
"""Seconds after which a shell that was to wait no longer is given up."""


class Held(Struct, frozen=True):
    """What is written beside the lock by who holds it: `shell` is Docker's id of its shell, `pid` that of the keeper's."""

    holder: Holder
    shell: str
    pid: int = 0


class DockerLeases:
    """`ports.Leases` on one Docker host. `by` is who asks: user@machine; `clock` gives seconds since the epoch."""

    def __init__(
        self,
        environment: Environment,
        keeper: Keeper,
        by: str,
        *,
        clock: Callable[[], float] = time.time,
        silence: float = SILENCE,
    ) -> None:
        self.environment = environment
        self.keeper = keeper
        self.by = by
        self.host = keeper.host
        self.clock = clock
        self._lock = quote(names.lease(environment))
        self._folder = f"{LEDGER}/.leases"
        self._sign = f"/dev/shm/{self._lock}"  # noqa: S108  # the keeper's own, and no disk, which may be full
        self._beat = f"read up rest </proc/uptime && echo ${{up%.*}} >{self._sign}"
        self._silence = silence

    async def holder(self) -> Holder | None:
        held = await self._held()
        return held.holder if held and await self._alive(held) else None

    @asynccontextmanager
    async def hold(self, doing: str, wait: float = 0.0) -> AsyncIterator[asyncio.Event]:
        """Raises Locked with the holder where it is not free within `wait` seconds.

        Should the lease be lost while it is held, the body is cancelled and EngineError raised: nobody may go on without.
        """
        descriptor = self.keeper.descriptors.pop()
        try:
            shell = await self._acquire(descriptor, doing, wait)
            async with guarded(
                lambda: self._ended(shell), lambda: unbroken(self._release(shell, descriptor)), self._lost
            ) as lost:
                yield lost
        finally:
            self.keeper.descriptors.append(descriptor)

    async def _acquire(self, descriptor: int, doing: str, wait: float) -> Shell:
        deadline = time.monotonic() + wait
        if shell := await self._take(descriptor, doing, LEAST):
            return shell
        if await self._bury() and (shell := await self._take(descriptor, doing, LEAST)):
            return shell
        while (left := deadline - time.monotonic()) > 0:
            if shell := await self._take(descriptor, doing, min(left, SLICE)):
                return shell
        raise await self._locked(wait)

    async def _take(self, descriptor: int, doing: str, wait: float) -> Shell | None:
        """The shell that holds it; None where somebody else still did when `wait` seconds were over."""
        try:
            return await self._taken(await self.keeper.shell(), descriptor, doing, wait)
        except ShellEnded:  # the keeper has been started anew since
            return await self._taken(await self.keeper.shell(), descriptor, doing, wait)

    async def _taken(self, shell: Shell, descriptor: int, doing: str, wait: float) -> Shell | None:
        held = Held(holder=Holder(self.by, doing, round(self.clock(), 3)), shell=shell.id)
        said = quote(msgspec.json.encode(held).decode())
        script = (
            f"umask 077 && mkdir -p {self._folder} && cd {self._folder} && touch {self._lock} && exec {descriptor}>>{self._lock}"
            f" && flock -E {TAKEN} -w {wait:.3f} {descriptor} && printf '%s\\n%s' $$ {said} >{self._lock}.holder"
            f" && {self._beat} && {self._watched(descriptor)}"
        )
        answer = await shell.run(script, timeout=wait + LATE)
        if answer.status not in (0, TAKEN):
            why = answer.output.strip() or f"exit status {answer.status}"
            raise EngineError(f"{self.environment} could not be locked", where=self.host, why=why, hint=hint(why))
        return shell if answer.status == 0 else None

    def _watched(self, descriptor: int) -> str:
        """Beside the shell, for as long as it holds the lock: the shell is ended when its deployer is silent.

        What cannot be read is just being written.
        """
        lock = f"{self._folder}/{self._lock}"
        closed = " ".join(f"{number}>&-" for number in DESCRIPTORS)
        return f"""{{ (
exec {closed}
while sleep {self._silence / 8:g} && [ /proc/$$/fd/{descriptor} -ef {lock} ]; do
read now rest </proc/uptime
read last <{self._sign} || continue
[ $((${{now%.*}} - last)) -lt {self._silence:.0f} ] || kill -9 $$
done
) </dev/null >/dev/null 2>&1 & }}"""

    async def _ended(self, shell: Shell) -> None:
        """Returns when the shell has, which is told that its deployer lives for as long as it does."""
        while shell.alive:
            try:
                async with asyncio.timeout(self._silence / 8):
                    await shell.ended()
            except TimeoutError:
                with suppress(FairwayError):
                    await unbroken(shell.run(self._beat, timeout=self._silence / 2))

    async def _held(self) -> Held | None:
        """By whom it is held, dead or alive."""
        asked = f"cd {self._folder} && [ -e {self._lock} ] && ! flock -n {self._lock} true && cat {self._lock}.holder"
        answer = await self.keeper.ask(asked)
        if answer is None or answer.status:
            return None
        pid, _, said = answer.output.partition("\n")
        try:
            return replace(msgspec.json.decode(said, type=Held), pid=int(pid))
        except ValueError:  # who has just taken it, or is about to give it back, says nothing
            return None

    async def _alive(self, held: Held) -> bool:
        """An engine that was restarted while its containers went on has forgotten their shells: nobody speaks to those any more."""
        with translated(self.host):
            try:
                return bool((await self.keeper.docker.get(f"exec/{held.shell}/json"))["Running"])
            except DockerError as error:
                if error.status != 404:
                    raise
                return False

    async def _bury(self) -> bool:
        """Whether it was held by a shell that nobody speaks to: that one is ended."""
        held = await self._held()
        if held is None or await self._alive(held):
            return False
        mine = f"readlink /proc/{held.pid}/fd/* | grep -qxF {self._folder}/{self._lock}"
        return (await self.keeper.run(f"{mine} && kill -9 {held.pid}")).status == 0

    async def _release(self, shell: Shell, descriptor: int) -> None:
        emptied = f": >{self._folder}/{self._lock}.holder"
        try:
            with suppress(FairwayError):
                await shell.run(f"{emptied}; flock -u {descriptor}; exec {descriptor}>&-", timeout=LATE)
                return
            await shell.close()  # which frees it as well
        except BaseException:
            await shell.close()
            raise

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
            why="the keeper of the ledger, or the connection to it, has ended",
            hint="run the command again: it goes on from what is there",
        )
