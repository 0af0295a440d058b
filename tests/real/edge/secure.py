"""A place on a host whose gateway speaks TLS, and who asks it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509

from fairway.gateway.edge import EdgeTls
from fairway.gateway.traffic import GatewayTraffic
from fairway.model.edge import Certificate, Showing
from fairway.model.environment import Environment
from tests.load.load import Load
from tests.real.gateway.place import GATEWAY_PORT, Place

TLS_PORT = 8443


@dataclass(frozen=True)
class Shake:
    """What a handshake came to."""

    serial: int
    version: str | None
    protocol: str | None
    resumed: bool
    session: ssl.SSLSession | None


def tls(*certificates: Certificate, port: int = TLS_PORT, redirect: bool = True) -> EdgeTls:
    async def showing() -> Showing:
        return Showing(certificates=certificates)

    return EdgeTls(showing=showing, port=port, redirect=redirect)


def context(**limits: ssl.TLSVersion) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.set_alpn_protocols(["h2", "http/1.1"])
    if most := limits.get("most"):
        made.set_ciphers("ALL:@SECLEVEL=0")
        made.minimum_version = made.maximum_version = most
    return made


@dataclass
class Secure:
    place: Place

    @property
    def address(self) -> tuple[str, int]:
        return self.place.host.address, TLS_PORT

    def gateway(self, edge: EdgeTls | None, environment: Environment | None = None) -> GatewayTraffic:
        """As a deployer has it whose settings say so."""
        place = self.place
        made = GatewayTraffic(
            place.docker, environment or place.environment, http_port=GATEWAY_PORT, where=place.host.name, tls=edge
        )
        place.others.append(made)
        return made

    async def show(self, *certificates: Certificate) -> GatewayTraffic:
        made = self.gateway(tls(*certificates))
        await made.start()
        return made

    def load(self, **more: object) -> Load:
        return self.place.load(**{"url": "https://{}:{}".format(*self.address), "pause": 0.02, **more})

    async def shake(
        self, name: str | None, using: ssl.SSLContext | None = None, session: ssl.SSLSession | None = None
    ) -> Shake:
        """One handshake, and a request, so that tickets have come. Raises OSError where it fails."""
        return await asyncio.to_thread(shake, self.address, name, using or context(), session)

    async def curl(self, *arguments: str) -> str:
        asking = await asyncio.create_subprocess_exec(
            "curl", "-s", "-k", "-m", "10", *arguments, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await asking.communicate()
        return said.decode()


def shake(address: tuple[str, int], name: str | None, using: ssl.SSLContext, session: ssl.SSLSession | None) -> Shake:
    with (
        socket.create_connection(address, 5) as plain,
        using.wrap_socket(plain, server_hostname=name, session=session) as sock,
    ):
        if sock.selected_alpn_protocol() != "h2":
            sock.sendall(b"GET /nothing HTTP/1.1\r\nHost: nobody\r\n\r\n")
            sock.recv(100)
        shown = sock.getpeercert(binary_form=True)
        serial = x509.load_der_x509_certificate(shown).serial_number if shown else 0
        return Shake(serial, sock.version(), sock.selected_alpn_protocol(), bool(sock.session_reused), sock.session)


def serials(found: Sequence[Shake]) -> set[int]:
    return {shake.serial for shake in found}
