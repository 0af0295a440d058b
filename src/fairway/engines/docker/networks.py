"""The networks of an environment, and the fixed addresses on them: a restart never leaves the gateway with a stale one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from fairway.engines.common.together import unbroken
from fairway.engines.docker.addresses import POOL, free, private_v6, subnets, taken_subnets
from fairway.engines.docker.errors import explained
from fairway.model.app import App, Location, Network, Service
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.net.client import Docker, DockerError
from fairway.render import docker_networks, names

Json = dict[str, Any]
Addresses = Mapping[str, str]
"""One replica's address on each network, by the network's key."""


class Networks:
    """One at a time makes networks and picks addresses, so that two services never get the same."""

    def __init__(self, docker: Docker, environment: Environment, host: str, pool: str = POOL) -> None:
        self.docker = docker
        self.environment = environment
        self.host = host
        self.pool = pool
        self._lock = asyncio.Lock()
        self._promised: set[tuple[str, str]] = set()

    async def prepare(self, app: App, service: Service) -> dict[str, Json]:
        """Every network that the service joins, as the engine describes it, made where it is missing; by key."""
        async with self._lock:
            return {
                key: await self._network(docker_networks.declared(app, key), app.where("networks", key))
                for key, _ in docker_networks.joined(service)
            }

    @asynccontextmanager
    async def addresses(self, networks: Mapping[str, Json], count: int) -> AsyncIterator[Sequence[Addresses]]:
        """Addresses for `count` new replicas, ours until the context is left: by then containers hold them."""
        async with self._lock:
            chosen = {key: await self._free(net, count) for key, net in networks.items() if keeps_addresses(net)}
            promised = {(networks[key]["Name"], address) for key, found in chosen.items() for address in found}
            self._promised |= promised
        try:
            yield [{key: found[position] for key, found in chosen.items()} for position in range(count)]
        finally:
            self._promised -= promised

    async def _free(self, network: Json, count: int) -> list[str]:
        used = await self._used(network["Name"])
        promised = {address for name, address in self._promised if name == network["Name"]}
        found = free(network, used | promised, count)
        if len(found) < count:
            raise EngineError(
                f"The network {network['Name']} has no free address left",
                where=self.host,
                hint="give it a larger subnet in `ipam`, or a smaller `ip_range`",
            )
        return found

    async def _used(self, name: str) -> set[str]:
        """The addresses on a network of every container, running or not."""
        listed = await self.docker.get("containers/json", all=True, filters={"network": [name]})
        joined = [(item["NetworkSettings"].get("Networks") or {}).get(name) or {} for item in listed]
        fixed = {(entry.get("IPAMConfig") or {}).get("IPv4Address") or "" for entry in joined}
        return fixed | {entry.get("IPAddress") or "" for entry in joined}

    async def _network(self, declared: Network, where: Location | None) -> Json:
        name = names.network(self.environment, declared)
        found = await self._show(name)
        if found and not declared.external and names.APP not in (found.get("Labels") or {}):
            raise EngineError(
                f"There is a network {name} already, and Fairway did not make it",
                where=self.host,
                hint=f"remove it, or say `external: true` for the network {declared.key!r}",
            )
        if not found and declared.external:
            raise EngineError(
                f"There is no network {name}",
                where=where or self.host,
                why=f"the network {declared.key!r} is external, so it has to be there before",
                hint=f"docker network create {name}",
            )
        if found:
            return found
        return await unbroken(self._create(declared, name))

    async def _show(self, name: str) -> Json | None:
        """The oldest network of that name: an engine would take the beginning of an ID for one too."""
        found = await self._named(name)
        return found[0] if found else None

    async def _named(self, name: str) -> list[Json]:
        listed: list[Json] = await self.docker.get("networks", filters={"name": [name]})
        same = (network for network in listed if network["Name"] == name)
        return sorted(same, key=lambda network: (network["Created"], network["Id"]))

    async def _create(self, declared: Network, name: str) -> Json:
        taken = taken_subnets(await self.docker.get("networks"))
        v6 = (private_v6(name),) if declared.enable_ipv6 else ()
        driver = declared.driver or "bridge"
        with explained(self.host, f"The network {name} could not be made"):
            if declared.ipam or declared.ipam_driver or driver != "bridge" or declared.enable_ipv4 is False:
                return await self._make(docker_networks.network(self.environment, declared, v6), name)
            for v4 in subnets(taken, self.pool):
                try:
                    return await self._make(docker_networks.network(self.environment, declared, (v4, *v6)), name)
                except DockerError as error:
                    if "overlaps" not in error.message:
                        raise
        raise EngineError(
            f"The network {name} could not be made",
            where=self.host,
            why=f"every subnet of {self.pool} is taken",
            hint="remove networks that nobody uses (docker network prune), or set `ipam`",
        )

    async def _make(self, body: Json, name: str) -> Json:
        try:
            await self.docker.post("networks/create", body)
        except DockerError as error:
            if "already exists" not in error.message:
                raise
        found = await self._named(name)
        if not found:
            raise EngineError(f"The network {name} vanished while it was being made", where=self.host)
        for twin in found[1:]:  # two deployers at once can both succeed: both keep the oldest
            with suppress(DockerError):
                await self.docker.delete(f"networks/{twin['Id']}")
        return found[0]


def keeps_addresses(network: Json) -> bool:
    """Docker fixes addresses only where the subnet was configured: that is so for the networks that Fairway makes."""
    ours = names.APP in (network.get("Labels") or {})
    return ours and network.get("Driver") == "bridge" and (network.get("IPAM") or {}).get("Driver") == "default"
