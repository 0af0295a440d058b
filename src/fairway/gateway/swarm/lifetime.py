"""The gateways and couriers of a Swarm come, and stay as they are wanted."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from functools import partial
from typing import Any

from fairway.gateway.container import PARAMETERS
from fairway.gateway.swarm import services
from fairway.gateway.swarm.members import Members
from fairway.gateway.swarm.services import EDGE, GATEWAY, HTTP, HTTPS, Member
from fairway.gateway.swarm.task import Task
from fairway.model.errors import GatewayError
from fairway.net.certificates import LIFETIME, RENEWED_BEFORE
from fairway.net.client import DockerError
from fairway.net.errors import translated
from fairway.net.managers import OVERTAKEN, Managers
from fairway.render.swarm import gateway_network
from fairway.render.swarm_names import GATEWAY_NETWORK

Json = dict[str, Any]

READY_WITHIN = 120.0
"""Seconds: a node may have to pull the image first."""
THERE = 409
AGAIN = 0.3
ATTEMPTS = 50
LAST = 1 / 6
"""Of its lifetime: gateways are not started any more with a certificate that has less left."""


class Gateways:
    """`image` is what every node has, or can pull. `https`: where users are spoken to in TLS; 0: nowhere, unless others want it."""

    def __init__(
        self, managers: Managers, *, image: str, http: int, https: int, lifetime: timedelta = LIFETIME
    ) -> None:
        self.managers = managers
        self.members = Members(managers, lifetime)
        self.image = image
        self.http = http
        self.wanted_https = https
        self.where = "the Swarm"

    async def start(self, *, alone: bool = False) -> None:
        """All of them run as asked for; returns when they serve. Raises GatewayError with what Swarm says of one that does not.

        Couriers are started with the members' latest certificate, and gateways with what they were started with: the couriers give
        them the latest. `alone`: gateways are started with it, too, and nobody is let in any more who has an earlier one.
        """
        with translated(self.where, "The gateways cannot be started"):
            network, latest, on = await asyncio.gather(self._network(), self.members.latest(), self._edges())
            https = self.wanted_https or await self.https()
            gateway = partial(services.gateway, self.image, self.http, https=https, network_id=network, on=on)
            found = await self._service(GATEWAY)
            first = latest if alone else await self._started_with(found) or latest
            if found is None or found["Spec"]["Labels"].get(PARAMETERS) != gateway(secret=first)["Labels"][PARAMETERS]:
                first = latest  # they are replaced anyway
            wanted = gateway(secret=first)
            before = None if first == latest else first
            courier = services.courier(self.image, network_id=network, secret=latest, before=before)
            await self._refuse_to_move(wanted)
            await asyncio.gather(self._become(courier), self._become(wanted))
            await asyncio.gather(self._wait(courier, ["node.role==manager"]), self._wait(wanted, on))

    async def due(self) -> bool:
        """Whether it is time for another certificate."""
        return (await self.members.latest()).ending(time.time(), RENEWED_BEFORE)

    async def has_latest(self, service: str) -> bool:
        """Whether tasks of the service are started with the latest certificate."""
        found = await self._service(service)
        return found is not None and (await self.members.latest()).id in services.attached(found)

    async def _started_with(self, found: Json | None) -> Member | None:
        """None where it is not known, or about to end: then they need another one."""
        ids = services.attached(found) if found else frozenset()
        known = next((one for one in await self.members.all() if one.id in ids), None)
        return known if known and not known.ending(time.time(), LAST) else None

    async def https(self) -> int:
        """The port on which the gateways that are there speak TLS; 0: they do not."""
        found = await self._service(GATEWAY)
        return int(found["Spec"]["Labels"].get(HTTPS, 0)) if found else 0

    async def there(self) -> bool:
        with translated(self.where):
            return await self._service(GATEWAY) is not None

    async def tasks(self, service: str = GATEWAY) -> list[Task]:
        """Those that Swarm wants to run, on nodes that it has not given up."""
        with translated(self.where, "The gateways cannot be looked for"):
            filters = {"service": [service], "desired-state": ["running"]}
            found, nodes = await asyncio.gather(self.managers.get("tasks", filters=filters), self.managers.get("nodes"))
        names = {node["ID"]: node["Description"]["Hostname"] for node in nodes if node["Status"]["State"] != "down"}
        return [
            Task(
                one["ID"],
                names[one["NodeID"]],
                _address(one),
                one["Status"]["State"],
                one["Status"].get("Err") or one["Status"].get("Message", ""),
                (one["Spec"]["ContainerSpec"].get("Labels") or {}).get(PARAMETERS, ""),
                one["NodeID"],
            )
            for one in found or ()
            if one.get("NodeID") in names
        ]

    async def _service(self, name: str) -> Json | None:
        return await self.managers.found(f"services/{name}")

    async def _network(self) -> str:
        for _ in range(ATTEMPTS):  # one that is being removed is neither there nor is its name free
            if found := await self._found("networks", GATEWAY_NETWORK):
                break
            await self._created("networks/create", gateway_network())
            await asyncio.sleep(AGAIN)
        if found is None or found["Driver"] != "overlay":
            raise GatewayError(
                f"The network {GATEWAY_NETWORK} is no overlay network",
                where=self.where,
                hint=f"remove it, or rename it: the gateways need one of that name (docker network inspect {GATEWAY_NETWORK})",
            )
        return str(found["Id"])

    async def _found(self, kind: str, name: str) -> Json | None:
        for one in await self.managers.get(kind, filters={"name": [name]}) or ():
            if one.get("Name", one.get("Spec", {}).get("Name")) == name:
                return dict(one)
        return None

    async def _created(self, path: str, body: Json) -> None:
        """By us, or by somebody who was faster."""
        try:
            await self.managers.post(path, body)
        except DockerError as error:
            if error.status != THERE:
                raise

    async def _become(self, wanted: Json) -> None:
        while (found := await self._service(wanted["Name"])) is None:
            await self._created("services/create", wanted)
        if found["Spec"]["Labels"].get(PARAMETERS) == wanted["Labels"][PARAMETERS]:
            return
        try:
            await self.managers.post(f"services/{found['ID']}/update", wanted, version=found["Version"]["Index"])
        except DockerError as error:
            if OVERTAKEN not in error.message:  # else somebody else does the same
                raise

    async def _edges(self) -> list[str]:
        nodes = await self.managers.get("nodes")
        some = any(EDGE in (node["Spec"].get("Labels") or {}) for node in nodes)
        return [f"node.labels.{EDGE}==true"] if some else []

    async def _refuse_to_move(self, wanted: Json) -> None:
        """Raises GatewayError where users would be cut off: those of other environments, too, come in at the same port."""
        found = await self._service(GATEWAY)
        if found is None:
            return
        for key, word in ((HTTP, "http"), (HTTPS, "https")):
            now = found["Spec"]["Labels"].get(key, "0")
            if now not in ("0", wanted["Labels"][key]):
                raise GatewayError(
                    f"The gateways of this Swarm listen on port {now}, not {wanted['Labels'][key]}",
                    where=self.where,
                    hint=f"Say `gateway: {{{word}: {now}}}` in fairway.yaml: all environments of a Swarm have the same gateways.",
                )

    async def _wait(self, wanted: Json, on: list[str]) -> None:
        """Until each node that fits has one as it is wanted."""
        service, right = wanted["Name"], services.parameters(wanted)
        deadline = time.monotonic() + READY_WITHIN
        while True:
            expected = await self._expected(on)
            found = await self.tasks(service)
            serving = {task.node for task in found if task.serves and task.parameters == right}
            if expected and expected <= serving:
                return
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(AGAIN)
        missing = [task for task in found if task.node not in serving]
        why = "; ".join(f"{task.node}: {task.state}: {task.said}" for task in missing)
        if not expected:
            why = f"no node that is ready and active fits {', '.join(on) or 'it'}"
        raise GatewayError(
            "The gateways do not get ready" if service == GATEWAY else "The couriers do not get ready",
            where=", ".join(sorted(expected - serving)) or self.where,
            why=why,
            hint=f"docker service ps --no-trunc {service}; every node has to have {self.image}, or be able to pull it",
        )

    async def _expected(self, on: list[str]) -> set[str]:
        """The names of the nodes that are to have one."""
        return {
            node["Description"]["Hostname"]
            for node in await self.managers.get("nodes")
            if node["Status"]["State"] == "ready"
            and node["Spec"]["Availability"] == "active"
            and all(_fits(node, constraint) for constraint in on)
        }


def _fits(node: Json, constraint: str) -> bool:
    """Of the two constraints that there are."""
    if constraint == "node.role==manager":
        return bool(node["Spec"]["Role"] == "manager")
    return (node["Spec"].get("Labels") or {}).get(EDGE) == "true"


def _address(task: Json) -> str:
    """On the gateways' network."""
    for attached in task.get("NetworksAttachments") or ():
        if attached["Network"]["Spec"]["Name"] == GATEWAY_NETWORK and attached.get("Addresses"):
            return str(attached["Addresses"][0]).partition("/")[0]
    return ""
