"""TLS for users, for one environment: its certificates are brought to the gateway's slots, and exchanged while it serves."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from msgspec import Struct

from fairway.gateway import container
from fairway.gateway.certificates import GONE, OVERTAKEN, Delivery, owner, shown
from fairway.model.edge import Certificate, Showing
from fairway.model.environment import Environment
from fairway.model.errors import GatewayError
from fairway.net.client import Docker
from fairway.net.docker import host_time
from fairway.net.errors import translated
from fairway.net.shell import Answer
from fairway.render.envoy import read_version
from fairway.render.envoy_edge import SLOTS

ATTEMPTS = 10
APART = "=="
"""A line that is in no PEM file."""
BEGINNING = b'{"version_info"'


class EdgeTls(Struct, frozen=True, kw_only=True):
    """`showing` gives what there is to show; None: what is shown stays. What it raises changes nothing."""

    showing: Callable[[], Awaitable[Showing | None]]
    port: int = 443
    redirect: bool = True


class Reach(Protocol):
    """The gateway, as it is reached."""

    @property
    def where(self) -> str: ...

    async def run(self, text: str, timeout: float) -> Answer: ...

    async def said(self, since: float) -> str: ...

    async def close(self) -> None: ...


class Slots:
    """The gateway's certificates, as one environment changes them."""

    def __init__(self, docker: Docker, environment: Environment, gateway: Reach) -> None:
        self._docker = docker
        self._environment = environment
        self._gateway = gateway

    async def present(self, certificates: Sequence[Certificate], *, partial: bool = False) -> bool:
        """Show these, the first to who names no host, and none else of this environment but, where this is `partial`, those for
        other names; True where that was not so already. Raises GatewayError, and then those before are shown."""
        from fairway.net.certificates import placeholder

        stay = await self._others(certificates) if partial else ()
        for attempt in range(ATTEMPTS):
            await asyncio.sleep(attempt * 0.02)
            bodies = await self._read()
            versions = {slot: read_version(body) for slot, body in bodies.items()}
            now = [shown(body) for body in bodies.values()]
            delivery = Delivery.of(now, self._environment.key, certificates, placeholder(), stay)
            if not delivery.changed(versions):
                return False
            await self._write(delivery.for_exchange(versions))
            since = host_time(self._docker)
            answer = await self._gateway.run(delivery.exchange(versions), 30)
            if answer.status == 0:
                return True
            if answer.status == GONE:
                await self._gateway.close()
            elif answer.status != OVERTAKEN:
                raise GatewayError(
                    f"The gateway does not take the certificates (exit status {answer.status}); those before are shown",
                    where=self._gateway.where,
                    why="\n".join(filter(None, (answer.output.strip(), await self._gateway.said(since)))),
                    hint="docker logs fairway-gateway",
                )
        raise GatewayError(
            "Others kept changing the gateway's certificates", where=self._gateway.where, hint="Try again."
        )

    async def forget(self) -> None:
        """Show none of this environment any more, where the gateway speaks TLS."""
        if await self._speaks_tls():
            await self.present(())

    async def _others(self, certificates: Sequence[Certificate]) -> tuple[str, ...]:
        """The stems of this environment that are shown for names that none of these has."""
        from fairway.net.certificates import seen

        names = {name for one in certificates for name in seen(one.chain).names}
        return tuple(stem for stem, chain in (await self.chains()).items() if not set(seen(chain).names) <= names)

    async def chains(self) -> dict[str, str]:
        """The certificates (PEM) of this environment that are shown, by their stems."""
        if not await self._speaks_tls():
            return {}
        names = dict.fromkeys(shown(body) for body in (await self._read()).values())
        own = [name for name in names if owner(name) == self._environment.key]
        if not own:
            return {}
        answer = await self._gateway.run("".join(f"cat {name}.pem\necho {APART}\n" for name in own), 10)
        texts = [text.strip() for text in re.split(rf"(?m)^{APART}$", answer.output)]
        return dict(zip(own, texts, strict=False))

    async def _speaks_tls(self) -> bool:
        with translated(self._gateway.where):
            found = await container.find(self._docker)
        return bool(found and found["State"]["Running"] and container.https_port(found))

    async def _read(self) -> dict[str, bytes]:
        """The slots' files, each of which begins in the same way."""
        answer = await self._gateway.run(f"cat {' '.join(f'{slot}.json' for slot in SLOTS)}", 10)
        if answer.status != 0:
            raise GatewayError(
                "The gateway's files for TLS are gone",
                where=self._gateway.where,
                why=answer.output,
                hint="docker rm -f fairway-gateway, and deploy",
            )
        _, *bodies = answer.output.encode().split(BEGINNING)
        return {slot: BEGINNING + body for slot, body in zip(SLOTS, bodies, strict=True)}

    def _unwritten(self, answer: Answer) -> GatewayError:
        return GatewayError(
            "The files cannot be brought to the gateway", where=self._gateway.where, why=answer.output.strip()
        )

    async def _write(self, contents: dict[str, bytes]) -> None:
        with translated(self._gateway.where, "The files cannot be brought to the gateway"):
            found = await container.find(self._docker)
            if found is None:
                raise GatewayError("There is no gateway on this host", where=self._gateway.where)
            await container.write_files(self._docker, found["Id"], contents)
