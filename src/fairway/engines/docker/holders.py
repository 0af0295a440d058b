"""Holders: on each host of a fleet, a small container bears a service's name on its networks, in place of its replicas.

What connects to the name is passed to the host's gateway, which knows the replicas on every host. A holder has no keys, and of
the host's files but the volume with the gateway's pipes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from fairway.engines.common.together import together, unbroken
from fairway.engines.docker.errors import explained
from fairway.engines.docker.networks import Addresses, Networks
from fairway.engines.docker.observed import inspected
from fairway.engines.docker.replicas import create, remove, start
from fairway.engines.docker.small import confined
from fairway.model.app import Attachment
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.model.release import Release
from fairway.net.client import Docker
from fairway.net.process import output
from fairway.render import names
from fairway.render.docker import Rendered
from fairway.render.docker_networks import aliases, declared, endpoint, joined
from fairway.render.envoy_holder import bootstrap
from fairway.render.envoy_tcp import PIPES

Json = dict[str, Any]

MEMORY = 512 << 20
"""Bytes, of which it needs the least part: see docs/peers.md."""
PROCESSES = 32
NOBODY = "65534:65534"
LOGS = {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "1"}}
PATIENCE = 10
"""Seconds in which a holder that has been started listens."""
_LISTENS = """for port in "$@"; do
until grep -qE ":$port 0+:0000 0A " /proc/net/tcp /proc/net/tcp6; do sleep 0.02; done
done"""


class Holders:
    """Those of one environment on one host. `image` is Fairway's host image.

    `networks` is the engine's own where it makes replicas at the same time: no two containers get one address then.
    """

    def __init__(
        self,
        docker: Docker,
        environment: Environment,
        host: str,
        image: str,
        *,
        networks: Networks | None = None,
    ) -> None:
        self.docker = docker
        self.environment = environment
        self.host = host
        self.image = image
        self.networks = networks or Networks(docker, environment, host)

    async def ensure(self, release: Release) -> None:
        """Every service of the release that has names has its holder, which listens. Raises EngineError.

        None goes, and none loses a port: what still runs of an earlier release may want it. See `tidy`. One that is right
        stays, whatever its image is: all connections through it end with it.
        """
        found = await self._found()
        await together(self._ensure(release, service, found.get(service)) for service in _named(release))

    async def tidy(self, release: Release) -> None:
        """Once nothing else than the release runs: holders of services that have no names in it go. Raises EngineError."""
        wanted, found = _named(release), await self._found()
        with explained(self.host, "The holder of a name could not be removed"):
            await together(remove(self.docker, one["Id"]) for service, one in found.items() if service not in wanted)

    async def _found(self) -> dict[str, Json]:
        """By service, as inspected."""
        with explained(self.host, "The holders of names cannot be seen"):
            made = await inspected(self.docker, names.of_environment(self.environment, names.Kind.NAME))
        return {one["Config"]["Labels"][names.SERVICE]: one for one in made}

    async def _ensure(self, release: Release, service: str, found: Json | None) -> None:
        had = map(int, found["Config"]["Labels"][names.PORTS].split()) if found else ()
        ports = tuple(sorted({*_named(release)[service], *had}))
        wanted = self._rendered(release, service, ports, {})
        if found and found["Config"]["Labels"][names.DEFINITION] == wanted.body["Labels"][names.DEFINITION]:
            if not found["State"]["Running"]:
                await self._start(found["Id"], wanted.name, ports)
            return
        await unbroken(self._replace(release, service, ports, found))

    async def _replace(self, release: Release, service: str, ports: tuple[int, ...], found: Json | None) -> None:
        """At the same addresses, which others may have kept."""
        networks = await self.networks.prepare(release.app, release.app.services[service])
        async with self.networks.addresses(networks, 1) as [given]:
            fixed = {key: _address(found, networks[key]["Name"]) or address for key, address in given.items()}
            if found:
                await remove(self.docker, found["Id"])
            wanted = self._rendered(release, service, ports, fixed)
            made = await create(self.docker, self.environment, self.host, wanted)
            await self._start(made, wanted.name, ports)

    async def _start(self, container: str, name: str, ports: tuple[int, ...]) -> None:
        await start(self.docker, self.host, container, name)
        command = ["timeout", str(PATIENCE), "sh", "-c", _LISTENS, "listens", *(f"{port:04X}" for port in ports)]
        with explained(self.host, f"{name} cannot be asked whether it listens"):
            status, _ = await output(self.docker, container, command)
        if status:
            raise EngineError(f"{name} does not listen", where=self.host, hint=f"docker logs {name}")

    def _rendered(self, release: Release, service: str, ports: tuple[int, ...], addresses: Addresses) -> Rendered:
        joining = joined(release.app.services[service])
        ipv6 = any(declared(release.app, key).enable_ipv6 for key, _ in joining)
        config = json.dumps(bootstrap(self.environment, service, ports, ipv6=ipv6), separators=(",", ":"))
        command = [
            "envoy",
            "--config-yaml",
            config,
            "--concurrency",
            "1",
            "--disable-hot-restart",
            "--log-level",
            "error",
        ]
        joins = _networks(release, service, addresses)
        exact = json.dumps([command, _networks(release, service, {})]).encode()
        labels = names.of_environment(self.environment, names.Kind.NAME) | {
            names.SERVICE: service,
            names.PORTS: " ".join(map(str, ports)),
            names.DEFINITION: hashlib.sha256(exact).hexdigest()[:20],
        }
        body = confined(
            self.image,
            command,
            labels,
            NetworkMode=joins[0][0],
            Memory=MEMORY,
            MemorySwap=MEMORY,
            PidsLimit=PROCESSES,
            LogConfig=LOGS,
            RestartPolicy={"Name": "always"},
            Sysctls={"net.ipv4.ip_unprivileged_port_start": "0"},
            Mounts=[{"Type": "volume", "Source": names.NAMES, "Target": PIPES, "ReadOnly": True}],
        )
        body |= {"User": NOBODY, "NetworkingConfig": {"EndpointsConfig": dict(joins[:1])}}
        return Rendered(names.holder(self.environment, service), None, body, tuple(joins[1:]))


def _named(release: Release) -> Mapping[str, tuple[int, ...]]:
    """The ports of each service that is found by its name."""
    routes = {service: release.policy(service).route for service in release.revisions}
    return {service: route.names for service, route in routes.items() if route and route.names}


def _networks(release: Release, service: str, addresses: Addresses) -> list[tuple[str, Json]]:
    """Every network that replicas join, with the names that they would bear there."""
    app = release.app
    return [
        (
            names.network(release.environment, declared(app, key)),
            endpoint(Attachment(), addresses.get(key), aliases(app, app.services[service], key)),
        )
        for key, _ in joined(app.services[service])
    ]


def _address(container: Json | None, network: str) -> str:
    """Its fixed one on the network; empty where it has none."""
    joins = container["NetworkSettings"].get("Networks") or {} if container else {}
    return str(((joins.get(network) or {}).get("IPAMConfig") or {}).get("IPv4Address") or "")
