"""What a host's engine tells of itself and of its host: fulfils ports.HostReader. Nothing is changed for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from fairway.engines.docker.hosts_room import disk_used, room
from fairway.engines.docker.hosts_running import running
from fairway.engines.docker.observed import seconds
from fairway.model.environment import Environment
from fairway.model.errors import EngineError, FairwayError
from fairway.model.host_facts import Clock, HostFacts
from fairway.net.client import Docker
from fairway.net.docker import connect
from fairway.net.errors import translated
from fairway.net.tls import Tls

Json = Mapping[str, Any]
T = TypeVar("T")


class DockerHost(Struct, frozen=True):
    """The engine at an address. `patience`: seconds for all of it; a third of them for the first answer."""

    environment: Environment
    address: str
    tls: Tls | None = None
    patience: float = 15.0

    async def facts(self) -> HostFacts:
        deadline = asyncio.get_running_loop().time() + 0.9 * self.patience
        async with connect(self.address, tls=self.tls, timeout=round(self.patience / 3, 1)) as docker:
            with self._understood():
                before, began = time.time(), time.monotonic()
                info: Json = await docker.get("info")
                took = time.monotonic() - began
                facts = replace(read(info, docker.api_version.removeprefix("v")), clock=clock(info, before, took))
            return await self._more(docker, facts, info, deadline)

    async def _more(self, docker: Docker, facts: HostFacts, info: Json, deadline: float) -> HostFacts:
        """What may take long, side by side: whatever is not told in time stays unknown."""
        unknown: dict[str, str] = {}

        async def told(name: str, asked: Coroutine[Any, Any, T]) -> T | None:
            try:
                async with asyncio.timeout_at(deadline):
                    with self._understood():
                        return await asked
            except TimeoutError:
                unknown[name] = "Docker does not tell it in time"
            except FairwayError as error:
                unknown[name] = error.why or error.what
            return None

        runs, used, disk = await asyncio.gather(
            told("running", running(docker, self.environment)),
            told("disk_used", disk_used(docker)),
            told("disk", room(docker, info, self.address)),
        )
        if disk is None:
            unknown.setdefault(
                "disk", "Docker's API does not tell it, and no container of Fairway's is there to be asked"
            )
        if facts.clock is None:
            unknown["clock"] = "the engine does not tell its time"
        return replace(facts, running=runs, disk_used=used, disk=disk, unknown=unknown)

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """Raises EngineUnreachable, and EngineError also for what is no answer of Docker's."""
        with translated(self.address):
            try:
                yield
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise EngineError(
                    f"The engine at {self.address} does not answer as Docker does",
                    where=self.address,
                    why=f"{type(error).__name__}: {error}",
                    hint="Docker 20.10 or newer is needed",
                ) from error


def read(info: Json, api: str) -> HostFacts:
    """What `docker info` says. A field that the engine does not have is not held against it."""
    pairs = (str(label).partition("=") for label in info.get("Labels") or ())
    return HostFacts(
        id=str(info.get("ID") or ""),
        hostname=str(info.get("Name") or ""),
        engine=str(info.get("ServerVersion") or ""),
        api=api,
        os=str(info.get("OperatingSystem") or ""),
        kernel=str(info.get("KernelVersion") or ""),
        arch=str(info.get("Architecture") or ""),
        labels={key: value for key, _, value in pairs},
        storage_driver=str(info.get("Driver") or ""),
        cgroup=str(info.get("CgroupVersion") or ""),
        cpus=float(info["NCPU"]) if info.get("NCPU") else None,
        memory=int(info["MemTotal"]) if info.get("MemTotal") else None,
        live_restore=bool(info.get("LiveRestoreEnabled", True)),
        swap_limit=bool(info.get("SwapLimit", True)),
        clustered=(info.get("Swarm") or {}).get("LocalNodeState") == "active",
        warnings=tuple(str(warning) for warning in info.get("Warnings") or ()),
    )


def clock(info: Json, before: float, took: float) -> Clock | None:
    """The engine has read its clock at some moment between `before` (seconds since the epoch) and `took` seconds later."""
    told = seconds(str(info.get("SystemTime") or ""))
    return Clock(ahead=told - (before + took / 2), within=took / 2) if told else None
