"""Who gets in at the port for peers, and what can be read on the way to it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairway.model.peers import PEERS_PORT, Identity
from fairway.net.authority import Authority
from fairway.render.envoy_clusters import cluster_name
from fairway.render.envoy_peers import server_name
from tests.real.gateway.replicas import backend
from tests.real.peers.sides import Sides

pytestmark = pytest.mark.anyio


def asked(address: str, name: str, identity: Identity | None, directory: Path, **limits: ssl.TLSVersion) -> bytes:
    """What the port for peers answers to a client with this certificate. Raises OSError where it is turned away."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = limits.get("most", ssl.TLSVersion.TLSv1_3)
    if identity:
        (directory / "cert.pem").write_text(identity.certificate)
        (directory / "key.pem").write_bytes(identity.key)
        context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
    with (
        socket.create_connection((address, PEERS_PORT), 5) as plain,
        context.wrap_socket(plain, server_hostname=name) as tls,
    ):
        tls.sendall(b"GET / HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n")
        return tls.recv(4096)


async def test_only_a_gateway_gets_in_and_only_to_what_is_offered(sides: Sides, tmp_path: Path) -> None:
    await sides.start(0, 1)
    await sides.apply()
    address, own = sides.second.host.address, sides.authority.issue("any")
    cluster = cluster_name(sides.first.environment, backend("web-r1"))
    assert b" 200 OK" in asked(address, server_name(cluster), own, tmp_path)
    for unknown in ("nothing", cluster, "fairway"):
        assert b" 503 " in asked(address, unknown, own, tmp_path)
    strangers = {"none": None, "of another authority": Authority.create().issue("any")}
    for identity in strangers.values():
        with pytest.raises(OSError, match=r"alert|reset|EOF|certificate"):
            assert asked(address, server_name(cluster), identity, tmp_path) == b"turned away"
    with pytest.raises(OSError, match=r"alert|reset|version"):
        asked(address, server_name(cluster), own, tmp_path, most=ssl.TLSVersion.TLSv1_2)


async def test_plain_http_is_refused(sides: Sides) -> None:
    await sides.start(0, 1)
    await sides.apply()
    reader, writer = await asyncio.open_connection(sides.second.host.address, PEERS_PORT)
    writer.write(b"GET / HTTP/1.1\r\nHost: any\r\n\r\n")
    said = b""
    with contextlib.suppress(ConnectionResetError):
        said = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert b"HTTP" not in said


async def test_a_gateway_is_only_taken_for_the_host_that_it_is(sides: Sides) -> None:
    """The second one shows a certificate that is right but for the host."""
    await sides.start(0, 1)
    await sides.apply()
    await sides.second.traffic.identify(sides.authority.issue("somebody-else"))
    await asyncio.sleep(3)  # kept connections end
    assert await sides.ask(20) == {"503": 20}


@contextlib.contextmanager
def captured(interface: str) -> Iterator[list[bytes]]:
    """Every frame on the interface meanwhile."""
    frames: list[bytes] = []
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003)) as wire:
        wire.bind((interface, 0))
        wire.settimeout(0.2)
        done = threading.Event()

        def listen() -> None:
            while not done.is_set():
                with contextlib.suppress(TimeoutError):
                    frames.append(wire.recv(65536))

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            yield frames
        finally:
            done.set()
            listener.join()


def between(frames: list[bytes], one: str, other: str) -> bytes:
    """The contents of the IPv4 packets that go from one of these addresses to the other."""
    ends = {socket.inet_aton(one), socket.inet_aton(other)}
    return b"".join(
        frame[34:] for frame in frames if frame[12:14] == b"\x08\x00" and {frame[26:30], frame[30:34]} == ends
    )


async def test_nothing_can_be_read_on_the_wire_between_the_hosts(sides: Sides) -> None:
    await sides.start(0, 1)
    await sides.apply()
    marker = secrets.token_hex(16)
    with captured(sides.first.host.cable) as frames:
        async with sides.user() as user:
            me = user.writer.get_extra_info("sockname")[0]
            for _ in range(20):
                await user.body(await user.ask(f"/headers?q={marker}", f"X-Marker: {marker}\r\n"))
        await asyncio.sleep(0.3)
    first, second = sides.first.host.address, sides.second.host.address
    hop = between(frames, first, second)
    assert marker.encode() in between(frames, me, first), "the capture sees what is plain"
    assert len(hop) > 20 * len(marker)
    for word in (marker, sides.first.name, "HTTP/1.1", "x-forwarded-for"):
        assert word.encode() not in hop
