"""What an auditor asks a Docker host: fulfils ports.Inspector. Nothing is changed for it, and nothing pulled."""

from __future__ import annotations

import asyncio
import re
import stat
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from msgspec import Struct

from fairway.engines.docker import images
from fairway.engines.docker.contents import sift
from fairway.engines.docker.observed import inspect
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.model.security_facts import HostSecurity, ImageFacts, Stranger
from fairway.net.client import Docker, DockerError
from fairway.net.docker import connect
from fairway.net.errors import translated
from fairway.net.tls import Tls
from fairway.render import names

Json = Mapping[str, Any]

OPEN = re.compile(r"API is accessible on (\S+) without (?:encryption|TLS)")
LIMITS = {"MemoryLimit": "memory", "PidsLimit": "processes", "CpuCfsQuota": "CPUs"}
SOCKETS = ("docker.sock", "containerd.sock", "podman.sock")
WORLD = ("0.0.0.0", "::")  # noqa: S104
GATEWAY = "fairway.role"
THEIRS = (None, names.Kind.REPLICA, names.Kind.ONCE, names.Kind.JOB)
"""Kinds of containers that are somebody's application; the others are Fairway's own."""


class DockerInspectors(Struct, frozen=True):
    """The engine at an address; `patience`: seconds for its first answer."""

    environment: Environment
    address: str
    tls: Tls | None = None
    patience: float = 10.0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[DockerInspector]:
        async with connect(self.address, tls=self.tls, timeout=self.patience) as docker:
            yield DockerInspector(docker, self.environment, self.address)


class DockerInspector:
    def __init__(self, docker: Docker, environment: Environment, address: str) -> None:
        self.docker = docker
        self.environment = environment
        self.address = address

    async def host(self) -> HostSecurity:
        with translated(self.address, "The engine does not tell how it is set up"):
            info, version, bridge, running = await asyncio.gather(
                self.docker.get("info"),
                self.docker.get("version"),
                self._bridge(),
                self.docker.get("containers/json"),
            )
            strangers = await asyncio.gather(*(self._stranger(one) for one in running if self._is_strange(one)))
        try:
            return read(info, version, bridge, tuple(filter(None, strangers)), _socket_mode(self.address))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            why = f"{type(error).__name__}: {error}"
            raise EngineError(
                f"The engine at {self.address} does not answer as Docker does", where=self.address, why=why
            ) from error

    async def image(self, reference: str, *, files: bool = True) -> ImageFacts | None:
        found = await images.local(self.docker, self.address, reference)
        if found is None:
            return None
        sieve = await sift(self.docker, self.address, found["Id"]) if files else None
        config = found.get("Config") or {}
        test = (config.get("Healthcheck") or {}).get("Test") or []
        return ImageFacts(
            reference=reference,
            id=found["Id"],
            digest=images.digest(reference, found.get("RepoDigests") or ()),
            user=str(config.get("User") or ""),
            volumes=tuple(sorted(config.get("Volumes") or ())),
            ports=tuple(sorted(config.get("ExposedPorts") or ())),
            healthcheck=bool(test) and test != ["NONE"],
            created=_day(str(found.get("Created") or "")),
            setuid=tuple(sorted(sieve.setuid)) if sieve else None,
            keys=tuple(sorted(sieve.keys)) if sieve else None,
        )

    async def _bridge(self) -> Json:
        """The default bridge; nothing where the engine has none."""
        try:
            return dict(await self.docker.get("networks/bridge"))
        except DockerError:
            return {}

    def _is_strange(self, container: Json) -> bool:
        labels = container.get("Labels") or {}
        ours = {names.APP: self.environment.app, names.ENVIRONMENT: self.environment.name}.items()
        return not ours <= labels.items() and GATEWAY not in labels and labels.get(names.KIND) in THEIRS

    async def _stranger(self, container: Json) -> Stranger | None:
        found = await inspect(self.docker, str(container["Id"]))
        return stranger(found) if found else None


def read(
    info: Json, version: Json, bridge: Json, strangers: tuple[Stranger, ...], socket_mode: int | None
) -> HostSecurity:
    """What `docker info`, `docker version` and the default bridge say."""
    parts = {str(part.get("Name")): str(part.get("Version")) for part in version.get("Components") or ()}
    options = bridge.get("Options") or {}
    icc = options.get("com.docker.network.bridge.enable_icc")
    warnings = [str(warning) for warning in info.get("Warnings") or ()]
    return HostSecurity(
        engine=str(info.get("ServerVersion") or ""),
        build=str(version.get("GitCommit") or ""),
        runc=parts.get("runc", ""),
        kernel=str(info.get("KernelVersion") or ""),
        os=str(info.get("OperatingSystem") or ""),
        options=dict(map(_option, info.get("SecurityOptions") or ())),
        open_apis=tuple(found[1] for warning in warnings if (found := OPEN.search(warning))),
        insecure=tuple(_insecure(info.get("RegistryConfig") or {})),
        live_restore=bool(info.get("LiveRestoreEnabled", True)),
        clustered=(info.get("Swarm") or {}).get("LocalNodeState") == "active",
        icc=None if icc is None else icc == "true",
        unlimited=tuple(what for key, what in LIMITS.items() if info.get(key) is False),
        socket_mode=socket_mode,
        strangers=strangers,
    )


def _option(text: str) -> tuple[str, str]:
    """`name=seccomp,profile=default`; `name=apparmor`."""
    pairs = dict(part.partition("=")[::2] for part in text.split(","))
    return pairs.pop("name", text), ",".join(pairs.values())


def _insecure(registries: Json) -> Iterator[str]:
    """Docker itself names the loopback."""
    for name in registries.get("InsecureRegistryCIDRs") or ():
        if not ip_network(name, strict=False).is_loopback:
            yield str(name)
    for name, entry in (registries.get("IndexConfigs") or {}).items():
        if not entry.get("Secure", True):
            yield str(name)


def stranger(container: Json) -> Stranger:
    host = container.get("HostConfig") or {}
    modes = {"pid": host.get("PidMode"), "ipc": host.get("IpcMode"), "network": host.get("NetworkMode")}
    sources = [str(mount.get("Source") or "") for mount in container.get("Mounts") or ()]
    ports = (container.get("NetworkSettings") or {}).get("Ports") or {}
    return Stranger(
        name=str(container["Name"]).removeprefix("/"),
        privileged=bool(host.get("Privileged")),
        socket=any(source.rpartition("/")[2] in SOCKETS for source in sources),
        shares=tuple(name for name, mode in modes.items() if mode == "host"),
        open_ports=tuple(
            sorted(
                {
                    f"{binding['HostPort']}/{name.partition('/')[2]}"
                    for name, bindings in ports.items()
                    for binding in bindings or ()
                    if binding.get("HostIp") in WORLD
                }
            )
        ),
    )


def _socket_mode(address: str) -> int | None:
    """Of a socket on this machine."""
    try:
        return (
            stat.S_IMODE(Path(address.removeprefix("unix://")).stat().st_mode)
            if address.startswith("unix://")
            else None
        )
    except OSError:
        return None


def _day(created: str) -> date | None:
    """Images made for the same bytes each time are of no day: 1970, 1980, or none."""
    try:
        found = date.fromisoformat(created[:10])
    except ValueError:
        return None
    return found if found.year > 1980 else None
