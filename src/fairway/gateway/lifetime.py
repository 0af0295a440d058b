"""The gateway's container comes and stays; its first listener is looked after."""

from __future__ import annotations

import asyncio
import re
import time

from fairway.gateway import container, script
from fairway.gateway.session import opened, session
from fairway.gateway.succession import forget_predecessors, succeed, successor
from fairway.model.environment import Environment
from fairway.model.errors import GatewayError
from fairway.model.peers import PEERS_PORT, Identity
from fairway.net.client import Docker, DockerError
from fairway.net.containers import printed
from fairway.net.docker import host_time
from fairway.net.errors import translated
from fairway.net.hostimage import ensure_host_image
from fairway.net.shell import Shell
from fairway.render.envoy import listens_on, read_tables

READY_WITHIN = 10.0
ATTEMPTS = 50
PATIENCE = 25
"""Five seconds: longer than any deployer takes between two of its steps."""
CONFLICT = 409
"""Docker's status where a name is taken: the name is the mutex."""
ALWAYS_SAID = "There is no configured limit to the number of allowed active downstream connections"
"""What Envoy warns of at each start, whatever is wrong."""
ECHO = ': {"version_info"'
"""Where Envoy begins to repeat the whole file."""
_LISTENING = (
    "ask '/stats?filter=%5Elistener_manager%5C.(total_listeners_active%7Clistener_create_failure)%24'; ask /ready"
)
_ACTIVE = re.compile(r"total_listeners_active: (\d+)")


class NoGateway(GatewayError):
    """The host has no gateway, and so no connection through it."""


class Gateway:
    """The one gateway of a host, as a container."""

    def __init__(
        self,
        docker: Docker,
        environment: Environment,
        *,
        image: str | None,
        http_port: int,
        where: str,
        identity: Identity | None = None,
        https: int = 0,
    ) -> None:
        self._docker = docker
        self._environment = environment
        self._image = image
        self._port = http_port
        self._where = where
        self._identity = identity
        self._wants_https = https
        self.https = https
        """Where it speaks TLS with users, once it has been started: what another environment has asked for stays. 0: nowhere."""

    async def start(self) -> bool:
        """Bring it to run as asked for; True where something had to be done. Raises GatewayError, ImageNotFound, EngineError.

        One that runs with another image or other parameters is replaced while it serves.
        """
        image = await ensure_host_image(self._docker, self._image)
        with translated(self._where, "The gateway cannot be started"):
            described = await self._docker.get(f"images/{image}/json")
            for attempt in range(ATTEMPTS):
                peers = self._identity is not None or await container.has_peers(self._docker)
                self.https = self._wants_https or container.https_port(await container.find(self._docker))
                wanted = container.specification(image, described["Id"], self._port, peers=peers, https=self.https)
                try:
                    return await self._become(wanted, patient=attempt < PATIENCE)
                except DockerError as error:
                    if error.status != CONFLICT:
                        raise
                    await asyncio.sleep(0.2)
        raise GatewayError("Somebody else is starting the gateway", where=self._where, hint="Try again.")

    async def _become(self, wanted: container.Json, *, patient: bool) -> bool:
        """Raises DockerError with CONFLICT where another deployer is at it."""
        found = await container.find(self._docker)
        right = wanted["Labels"][container.PARAMETERS]
        if found is not None and found["Config"]["Labels"].get(container.PARAMETERS) == right:
            if found["State"]["Running"]:
                return False
        elif await self._adopted(patient):
            return await self._become(wanted, patient=patient)
        elif found is not None:
            await self._refuse_to_move(found)
            if found["State"]["Running"]:
                await self._replace(found, wanted)
                return True
            await self._remove(found)
            found = None
        if found is None:
            found = await self._docker.post("containers/create", wanted, name=container.NAME)
        peers, gateway = container.PEERS in wanted["Labels"], found["Id"]
        await container.prepare(
            self._docker, gateway, self._port, peers=peers, https=self.https, identity=self._identity
        )
        await self._docker.post(f"containers/{gateway}/start")
        await self._wait(gateway)
        return True

    async def _remove(self, found: container.Json) -> None:
        await self._docker.delete(f"containers/{found['Id']}", force=True)

    async def _replace(self, found: container.Json, wanted: container.Json) -> None:
        """While it serves."""
        await forget_predecessors(self._docker)
        new = await successor(self._docker, found, wanted, self._port, where=self._where, identity=self._identity)
        await self._wait(new)
        await succeed(self._docker, new, self._where)

    async def _adopted(self, patient: bool) -> bool:
        """Whether there was a successor whose deployer has died, and that serves: it is the gateway now.

        One that does not run is another deployer's next step, or of no use: only patience tells.
        """
        left = await container.find(self._docker, container.SUCCESSOR)
        if left is None:
            return False
        if left["State"]["Running"]:
            await self._wait(left["Id"])
            await succeed(self._docker, left["Id"], self._where)
            return True
        if patient:
            raise DockerError(CONFLICT, "another deployer replaces the gateway")
        await self._remove(left)
        return False

    async def session(self) -> Shell:
        """A shell in it. Raises GatewayError where there is no gateway."""
        with translated(self._where):
            found = await container.find(self._docker)
        if found is None:
            raise self.missing()
        return await session(self._docker, found["Id"], self._where)

    def missing(self) -> NoGateway:
        return NoGateway("There is no gateway on this host", where=self._where, hint="fairway deploy starts it")

    async def said(self, since: float, of: str = container.NAME) -> str:
        """What Envoy has logged since then (seconds since the epoch), without its own dates and sources."""
        with translated(self._where):
            there = await container.find(self._docker, of)
            text = await printed(self._docker, of, stdout=True, stderr=True, since=int(since), tail=20) if there else ""
        return spoken(text)

    async def _refuse_to_move(self, found: container.Json) -> None:
        """Raises GatewayError where it serves other environments on another port, for they would be cut off; or where it could
        not listen on the new one, and all would be cut off."""
        lds, rds = await asyncio.gather(
            *(container.read_file(self._docker, found["Id"], name) for name in ("lds.json", "rds.json"))
        )
        port = listens_on(lds) if lds else self._port
        others = [table.environment for table in read_tables(rds).values()] if rds else []
        served = ", ".join(str(other) for other in others if other != self._environment)
        if served and port != self._port:
            raise GatewayError(
                f"The gateway of this host listens on port {port}, not {self._port}, and {served} is served through it",
                where=self._where,
                hint=f"Say `gateway: {{http: {port}}}` in fairway.yaml: there is one gateway on a host.",
            )
        https = container.https_port(found)
        if served and https and https != self.https:
            raise GatewayError(
                f"The gateway of this host speaks TLS on port {https}, not {self.https}, and {served} is served through it",
                where=self._where,
                hint=f"Say `gateway: {{https: {https}}}` in fairway.yaml: there is one gateway on a host.",
            )
        for new in {self._port, self.https or self._port} - {port, https} if found["State"]["Running"] else ():
            async with opened(self._docker, found["Id"], self._where) as shell:
                listening = (await shell.run(script.listening(new), timeout=10)).output.strip()
            if listening != "0":
                raise self._taken(port=new)

    async def _wait(self, gateway: str) -> None:
        """Until it listens; a container whose port is taken is removed again."""
        since = host_time(self._docker) - 1
        deadline = time.monotonic() + READY_WITHIN
        with translated(self._where):
            labels = (await self._docker.get(f"containers/{gateway}/json"))["Config"]["Labels"]
            listeners = 1 + (container.PEERS in labels) + (container.HTTPS in labels)
        async with opened(self._docker, gateway, self._where) as shell:
            while True:
                answer = (await shell.run(_LISTENING, timeout=10)).output
                active = _ACTIVE.search(answer)
                if active and int(active[1]) >= listeners and "LIVE" in answer:
                    return
                if "listener_create_failure: 0" not in answer and "create_failure" in answer:
                    break
                if time.monotonic() > deadline:
                    break
                await asyncio.sleep(0.02)
        why = await self.said(since, gateway)
        with translated(self._where):
            await self._docker.delete(f"containers/{gateway}", force=True)
        if "cannot bind" in why or "Address already in use" in why:
            raise self._taken(why)
        raise GatewayError("The gateway does not get ready", where=self._where, why=why)

    def _taken(self, why: str = "", port: int = 0) -> GatewayError:
        hint = ", or give the gateway another port"
        port = port or (self.https if f":{self.https}'" in why else self._port)
        if f":{PEERS_PORT}'" in why:
            port, hint = PEERS_PORT, ": the gateways of other hosts need it"
        return GatewayError(
            f"The gateway cannot listen on port {port}: something else on the host does",
            where=self._where,
            why=why,
            hint=f"Find it with `ss -ltnp sport = :{port}` on the host and stop it{hint}.",
        )


def spoken(log: str) -> str:
    """What Envoy has logged, without its dates and sources, and without what it says each time."""
    told = (re.sub(r"^\[[^\]]*\](\[[^\]]*\])* ?(\[[^\]]*:\d+\] )?", "", line.strip()) for line in log.splitlines())
    return "\n".join(" ".join(line.partition(ECHO)[0].split()) for line in told if not line.startswith(ALWAYS_SAID))
