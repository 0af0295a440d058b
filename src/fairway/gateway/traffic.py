"""The gateway of one environment on one host: fulfils ports.Traffic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from fairway.gateway import container, counts, script
from fairway.gateway.change import Change, Live, change
from fairway.gateway.edge import EdgeTls, Slots
from fairway.gateway.failures import failed
from fairway.gateway.identity import Delivery, shown
from fairway.gateway.lifetime import Gateway, NoGateway
from fairway.model.edge import EdgeRoutes, Seen, Showing
from fairway.model.environment import Environment
from fairway.model.errors import GatewayError
from fairway.model.judgement import Scrape
from fairway.model.peers import Identity, Peer
from fairway.model.release import Revision
from fairway.model.routes import Endpoint, RoutingTable
from fairway.net.client import Docker
from fairway.net.docker import host_time
from fairway.net.errors import translated
from fairway.net.kept import KeptShell
from fairway.net.shell import Answer, Shell
from fairway.render.envoy import read_tables, read_version
from fairway.render.envoy_clusters import revision_cluster

T = TypeVar("T")

ATTEMPTS = 15
"""How often a change is planned again because another deployer was faster; each time after a longer pause."""
PAUSE = 0.01


class GatewayTraffic(KeptShell):
    """Its shell is in the gateway's container.

    `where` names the host in errors. `image` is used instead of Fairway's own host image, and must have envoy, sh and
    curl. Every environment of the host shares the gateway: `http_port` is the same for all of them. With an `identity` it
    speaks with the gateways of other hosts; with `tls`, it speaks TLS with users.
    """

    def __init__(
        self,
        docker: Docker,
        environment: Environment,
        *,
        image: str | None = None,
        http_port: int = 80,
        where: str = "",
        identity: Identity | None = None,
        tls: EdgeTls | None = None,
        gateway: Gateway | None = None,
    ) -> None:
        super().__init__()
        self.environment = environment
        self._docker = docker
        self.where = where or "this host"
        self._identity = identity
        self._tls = tls
        ports = {"http_port": http_port, "https": tls.port if tls else 0}
        self._gateway = gateway or Gateway(
            docker, environment, image=image, where=self.where, identity=identity, **ports
        )
        self._slots = Slots(docker, environment, self)
        self._live: Live | None = None

    async def start(self) -> None:
        """Make the gateway run on this host, with this image and port, and show the certificates that there are now.

        Raises GatewayError, ImageNotFound, EngineError, and what getting the certificates raises.
        """
        showing = await self._tls.showing() if self._tls else Showing()
        if await self._gateway.start():
            await self.close()
        if self._identity is not None:
            await self.identify(self._identity)
        if self._gateway.https and showing is not None:
            await self.present(showing)

    async def present(self, showing: Showing) -> None:
        """Show these, and none else of this environment; plain HTTP is redirected then, but for the names without one.

        Raises GatewayError, and then those before are shown. The gateway has to run with TLS already.
        """
        to = self._gateway.https if showing.certificates and self._tls and self._tls.redirect else 0
        if not to:
            await self._answer(lambda edge: replace(edge, redirect=0, plain=()))
        await self._slots.present(showing.certificates, partial=showing.partial)
        if to:
            await self._answer(lambda edge: replace(edge, redirect=to, plain=tuple(sorted(showing.plain))))

    async def shown(self) -> Mapping[str, tuple[Seen, ...]]:
        from fairway.net.certificates import seen

        return {self.where: tuple(map(seen, (await self._slots.chains()).values()))}

    async def answer_challenges(self, answers: Mapping[str, str]) -> None:
        """What is answered below /.well-known/acme-challenge/, at every host name, in place of what was before."""
        await self._answer(lambda edge: replace(edge, challenges=dict(answers)))

    async def identify(self, identity: Identity) -> None:
        """Show this certificate to the gateways of other hosts, and trust these authorities; what is open stays open.

        Raises GatewayError, and then the certificate before it counts. The gateway has to run with an identity already.
        """
        delivery = Delivery.of(identity)
        have = await asyncio.gather(*(self._file(f"{name}.json") for name in delivery.secrets))
        if [file and read_version(file) for file in have] == [file.version for file in delivery.secrets.values()]:
            return
        with translated(self.where, "The gateway's certificate cannot be brought to it"):
            found = await container.find(self._docker)
            if found is None:
                raise self._gateway.missing()
            await container.write_files(self._docker, found["Id"], delivery.for_exchange())
        since = host_time(self._docker)
        answer = await self.run(delivery.exchange(), timeout=30)
        if answer.status != 0:
            raise GatewayError(
                f"The gateway does not take its new certificate (exit status {answer.status})",
                where=self.where,
                why="\n".join(filter(None, (answer.output.strip(), await self.said(since)))),
                hint="docker logs fairway-gateway",
            )

    async def peers(self) -> frozenset[Peer]:
        return (await self._read()).peers if await self._file("rds.json") else frozenset()

    async def certificate(self) -> str:
        """What it shows to the gateways of other hosts (PEM); empty where it has none."""
        file = await self._file("identity.json")
        found = await self._file(shown(file)) if file else None
        return found.decode() if found else ""

    async def observe(self) -> RoutingTable | None:
        body = await self._file("rds.json")
        if body is None:
            return None
        found = self._understood(read_tables, body).get(self.environment.key)
        return replace(found, edge=None) if found and found.services else None

    async def apply(self, table: RoutingTable) -> None:
        def whole(before: RoutingTable | None) -> RoutingTable:
            return replace(table, edge=before.edge) if before and table.services else table

        await self._change(whole)
        if not table.services:
            await self._slots.forget()

    async def _answer(self, change: Callable[[EdgeRoutes], EdgeRoutes]) -> None:
        """What the gateway answers itself; what the services get stays as it is."""

        def whole(before: RoutingTable | None) -> RoutingTable:
            table = before or RoutingTable(environment=self.environment)
            edge = change(table.edge or EdgeRoutes())
            return replace(table, edge=None if edge == EdgeRoutes() else edge)

        await self._change(whole)

    async def _change(self, whole: Callable[[RoutingTable | None], RoutingTable]) -> None:
        """`whole` makes the table from the one before."""
        for attempt in range(ATTEMPTS):
            await asyncio.sleep(attempt * PAUSE)
            live = self._live or await self._read()
            wanted = change(live, whole(live.tables.get(self.environment.key)))
            if wanted.empty:
                return
            self._live = None
            since = host_time(self._docker)
            answer = await self.run(self._transaction(live, wanted), timeout=60)
            if answer.status == 0:
                self._live = wanted.then
                return
            if answer.status == script.GONE:
                await self.close()
            elif answer.status != script.OVERTAKEN:
                raise failed(answer, self.where, await self.said(since))
        if answer.status == script.GONE:
            raise GatewayError("The gateway does not answer", where=self.where, hint="docker logs fairway-gateway")
        raise GatewayError("Others kept changing the gateway's routes", where=self.where, hint="Try again.")

    def _transaction(self, live: Live, wanted: Change) -> str:
        return script.transaction(live, wanted)

    async def probe(self, endpoint: Endpoint, path: str, *, host: str = "", timeout: float = 1.0) -> int | None:
        asked = script.probe(endpoint, path, host, timeout)
        said = await self.with_shell(lambda shell: shell.spawn(asked, timeout=timeout + 5))
        return int(said) if said.isdigit() and int(said) else None

    async def in_flight(self, endpoints: Collection[Endpoint]) -> int:
        """Exact once no table has the endpoints, or has them draining; before that, idle connections count too.

        It is the kernel that counts: the gateway's connections to these addresses. A draining replica has no idle ones.
        """
        if not endpoints:
            return 0
        try:
            answer = await self.run(script.connections(endpoints), timeout=10)
        except NoGateway:
            return 0
        if not answer.output.strip().isdigit():
            raise GatewayError("The gateway cannot count its connections", where=self.where, why=answer.output)
        return int(answer.output)

    async def counts(self, revisions: Collection[Revision]) -> Mapping[str, Scrape]:
        """One round trip. Copies of requests are counted for the revision that got them, like requests; what was asked under
        the preview's name too. Copies that the gateway dropped, over its limits, are no requests and no errors.

        Another gateway that takes over begins at 0.
        """
        names = {revision_cluster(self.environment, one.name, one.digest): one.name for one in revisions}
        if not names:
            return {}
        try:
            answer = await self.run(counts.script(names), timeout=15)
            if answer.status != 0:
                await self.close()  # another gateway may have taken over, and then this shell is in the old one
                answer = await self.run(counts.script(names), timeout=15)
            found = counts.read(answer.output, names)
        except NoGateway:
            return {}
        except msgspec.MsgspecError as error:
            what = "The gateway does not tell its counts"
            raise GatewayError(what, where=self.where, why=answer.output[:200]) from error
        return {names[cluster]: scrape for cluster, scrape in found.items()}

    async def _read(self) -> Live:
        cds, rds, lds = await asyncio.gather(*(self._file(f"{name}.json") for name in ("cds", "rds", "lds")))
        if cds is None or rds is None or lds is None:
            await self._refuse_missing()
            raise GatewayError("The gateway's files are gone", where=self.where, hint="docker restart fairway-gateway")
        return self._understood(lambda body: Live.read(body, rds, lds), cds)

    async def _refuse_missing(self) -> None:
        with translated(self.where):
            if await container.find(self._docker) is None:
                raise self._gateway.missing()

    async def _file(self, name: str) -> bytes | None:
        """A file of the gateway, None where it is not there: through the shell, for each of Docker's archives takes 70 ms."""
        if not self.speaks:
            with translated(self.where):
                found = await container.find(self._docker)
                if found is None or found["State"]["Status"] != "running":
                    return await container.read_file(self._docker, found["Id"], name) if found else None
        answer = await self.run(f"cat {name}", timeout=10)
        return answer.output.strip().encode() if answer.status == 0 else None

    def _understood(self, read: Callable[[bytes], T], body: bytes) -> T:
        try:
            return read(body)
        except (msgspec.MsgspecError, KeyError, IndexError, TypeError) as error:
            raise GatewayError(
                "The gateway's files are not as this version of Fairway writes them",
                where=self.where,
                why=f"{type(error).__name__}: {error}",
                hint="A newer Fairway may have written them: use that one.",
            ) from error

    async def said(self, since: float) -> str:
        return await self._gateway.said(since)

    async def run(self, text: str, timeout: float) -> Answer:
        """A script, within so many seconds, in the container that is the gateway where the shell before has ended."""
        return await self.with_shell(lambda shell: shell.run(text, timeout=timeout))

    async def open(self) -> Shell:
        return await self._gateway.session()
