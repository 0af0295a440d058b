"""TLS for users, for one environment: its certificates are brought to the gateway's slots, and exchanged while it serves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import aiodocker
from msgspec import Struct

from fairway.gateway import container
from fairway.gateway.certificates import GONE, OVERTAKEN, Delivery, shown
from fairway.gateway.session import Answer
from fairway.model.edge import Certificate
from fairway.model.environment import Environment
from fairway.model.errors import GatewayError
from fairway.net.docker import host_time
from fairway.net.errors import translated
from fairway.render.envoy import read_version
from fairway.render.envoy_edge import SLOTS

ATTEMPTS = 10
BEGINNING = b'{"version_info"'


class Edge(Protocol):
    """The gateway, as far as whoever gets certificates needs it."""

    async def answer_challenges(self, answers: Mapping[str, str]) -> None:
        """What is answered below /.well-known/acme-challenge/ from now on; nothing where it is empty."""

    async def kept(self, name: str) -> bytes | None:
        """A file of the environment's own that the host keeps, for its owner alone; None where it is not there."""

    async def keep(self, name: str, contents: bytes) -> None: ...


class EdgeTls(Struct, frozen=True, kw_only=True):
    """`files` gives the certificates that are at hand, the default one first; it may raise, and then nothing has changed.

    `more`, with the gateway running, gets those that are not: it is given what is at hand.
    """

    files: Callable[[], Sequence[Certificate]]
    port: int = 443
    redirect: bool = True
    more: Callable[[Edge, Sequence[Certificate]], Awaitable[Sequence[Certificate]]] | None = None


class Slots:
    """The gateway's certificates, as one environment changes them."""

    def __init__(
        self,
        docker: aiodocker.Docker,
        environment: Environment,
        run: Callable[[str, float], Awaitable[Answer]],
        said: Callable[[float], Awaitable[str]],
        close: Callable[[], Awaitable[None]],
        where: str,
    ) -> None:
        """`run` runs a script in the gateway, within so many seconds; `said` is what Envoy has logged since then; after `close`, the next
        script runs in the container that is the gateway then."""
        self._docker = docker
        self._environment = environment
        self._run = run
        self._said = said
        self._close = close
        self._where = where

    async def present(self, certificates: Sequence[Certificate]) -> bool:
        """Show these, the first to who names no host, and none else of this environment; True where that was not so already.

        Raises GatewayError, and then those before are shown.
        """
        from fairway.net.certificates import placeholder

        for attempt in range(ATTEMPTS):
            await asyncio.sleep(attempt * 0.02)
            bodies = await self._read()
            versions = {slot: read_version(body) for slot, body in bodies.items()}
            now = [shown(body) for body in bodies.values()]
            delivery = Delivery.of(now, self._environment.key, certificates, placeholder())
            if not delivery.changed(versions):
                return False
            await self._write(delivery.for_exchange(versions))
            since = host_time(self._docker)
            answer = await self._run(delivery.exchange(versions), 30)
            if answer.status == 0:
                return True
            if answer.status == GONE:
                await self._close()
            elif answer.status != OVERTAKEN:
                raise GatewayError(
                    f"The gateway does not take the certificates (exit status {answer.status}); those before are shown",
                    where=self._where,
                    why="\n".join(filter(None, (answer.output.strip(), await self._said(since)))),
                    hint="docker logs fairway-gateway",
                )
        raise GatewayError("Others kept changing the gateway's certificates", where=self._where, hint="Try again.")

    async def _read(self) -> dict[str, bytes]:
        """The slots' files, each of which begins in the same way."""
        answer = await self._run(f"cat {' '.join(f'{slot}.json' for slot in SLOTS)}", 10)
        if answer.status != 0:
            raise GatewayError(
                "The gateway's files for TLS are gone",
                where=self._where,
                why=answer.output,
                hint="docker rm -f fairway-gateway, and deploy",
            )
        _, *bodies = answer.output.encode().split(BEGINNING)
        return {slot: BEGINNING + body for slot, body in zip(SLOTS, bodies, strict=True)}

    async def _write(self, contents: dict[str, bytes]) -> None:
        with translated(self._where, "The certificates cannot be brought to the gateway"):
            found = await container.find(self._docker)
            if found is None:
                raise GatewayError("There is no gateway on this host", where=self._where)
            await container.write_files(found, contents)
