"""No engine answers, or one that cannot be used."""

from __future__ import annotations

import os
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.real.errors.shop import FAIRWAY, Shop

CHECKOUT = Path(__file__).parents[3]


def elsewhere(shop: Shop, address: str) -> None:
    shop.address(address)
    shop.commit()


@pytest.mark.parametrize("command", ["ship", "status", "down production --yes"])
def test_no_docker(shop: Shop, command: str) -> None:
    elsewhere(shop, '"unix:///nowhere/docker.sock"')
    done = shop.fairway(*command.split())
    done.expect(1)
    assert done.err == (
        "error: No Docker engine answers at unix:///nowhere/docker.sock\n"
        "  why: there is no such socket\n"
        "  → start Docker, or name the right address\n"
    )


def test_no_docker_as_check_has_it(shop: Shop) -> None:
    elsewhere(shop, '"unix:///nowhere/docker.sock"')
    shop.fairway("check").expect(
        2,
        "error: production: No Docker engine answers at unix:///nowhere/docker.sock: there is no such socket\n"
        "    → start Docker, or name the right address\nproduction: 1 to mend\n",
    )
    shop.fairway("check", "--offline").expect(0, "production: all is well")


def test_no_such_host_by_ssh(shop: Shop) -> None:
    elsewhere(shop, '"ssh://root@no-such-host.invalid"')
    shop.fairway("deploy").expect(
        1,
        "error: No way to no-such-host.invalid by ssh\n  why: ssh: Could not resolve hostname no-such-host.invalid",
        "→ check the host's name, and the Host entries of ~/.ssh/config",
    )
    assert not list(shop.temporary.iterdir())


def test_a_host_that_does_not_answer_by_ssh(shop: Shop) -> None:
    gone = absent(shop)
    elsewhere(shop, f'"ssh://root@{gone}"')
    shop.fairway("deploy").expect(
        1,
        f"error: No way to {gone} by ssh\n  why: ssh: connect to host {gone} port 22: No route to host",
        "→ check the address, the network, the firewall, and that the host is up",
    )
    assert not list(shop.temporary.iterdir())


@pytest.mark.parametrize(
    ("host", "why", "hint"),
    [
        ("no-such-host.invalid:2376", "there is no such host", "check the name"),
        ("absent:2376", "No route to host", "check the address, the network, the firewall, and that the host is up"),
        ("present:9999", "nothing listens there", "start Docker, or name the right address"),
    ],
)
def test_no_such_host_by_tcp(shop: Shop, host: str, why: str, hint: str) -> None:
    host = host.replace("absent", absent(shop)).replace("present", shop.host.address)
    tls = shop.host.tls
    files = f"{{ca: {tls}/ca.pem, cert: {tls}/cert.pem, key: {tls}/key.pem}}"
    elsewhere(shop, f'{{address: "tcp://{host}", tls: {files}}}')
    shop.fairway("deploy").expect(1, f"error: No Docker engine answers at tcp://{host}\n  why: {why}\n  → {hint}\n")


def test_tcp_without_tls(shop: Shop) -> None:
    elsewhere(shop, f'"tcp://{shop.host.address}:2376"')
    shop.fairway("ps").expect(
        2, "needs TLS: whoever reaches a Docker engine is root on its host", "→ give the host `tls: {ca: …"
    )


def absent(shop: Shop) -> str:
    """An address on the lab's network that nobody has."""
    return shop.host.address.rpartition(".")[0] + ".254"


class Impostor(BaseHTTPRequestHandler):
    """Not a real engine: old ones, and ones that do not exist yet, cannot be had. It answers every GET with `answer`."""

    answer = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def impostor(path: Path, answer: bytes) -> Iterator[str]:
    handler = type("One", (Impostor,), {"answer": answer})
    with socketserver.ThreadingUnixStreamServer(str(path), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"unix://{path}"
        server.shutdown()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            b'{"Version": "17.03.2-ce", "ApiVersion": "1.27", "MinAPIVersion": "1.12"}',
            "Docker 17.03.2-ce at {} is too old\n  why: it speaks API 1.27, and Fairway needs 1.41\n  → Docker 20.10 or newer",
        ),
        (
            b'{"Version": "99.0", "ApiVersion": "2.7", "MinAPIVersion": "2.0"}',
            "Docker 99.0 at {} is too new\n  why: it refuses API versions below 2.0, and this Fairway speaks 1.51\n  → a newer Fairway",
        ),
        (b"<html>welcome", "It is no Docker engine that answers at {}\n  why: 200: <html>welcome\n  → check the address"),
    ],
)  # fmt: skip
def test_a_wrong_api_version(shop: Shop, answer: bytes, said: str) -> None:
    with impostor(shop.temporary.parent / "sock", answer) as address:
        elsewhere(shop, f'"{address}"')
        shop.fairway("deploy").expect(1, "error: " + said.format(address))


def test_no_permission_on_the_socket(running: Shop) -> None:
    """As the user nobody, to whom the files on the way are open, but not the socket."""
    on_the_way = [path for path in {*running.host.socket.parents, *running.directory.parents} if len(path.parts) > 2]
    modes = {path: path.stat().st_mode for path in on_the_way}
    try:
        for path in on_the_way:
            path.chmod(modes[path] | 0o055)
        running.host.socket.chmod(0o660)
        environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_COUNT": "0"}
        words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", FAIRWAY]
        if subprocess.run([*words, "--version"], capture_output=True, env=environ).returncode:
            pytest.skip("this checkout, or the interpreter, is closed to other users")
        words.append("ps")
        done = subprocess.run(words, cwd=running.directory, env=environ, capture_output=True, text=True)
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
    assert done.returncode == 1
    assert done.stderr == (
        f"error: No Docker engine answers at {running.host.url}\n"
        "  why: this user may not use the socket\n"
        "  → add the user to the group docker, or run as root\n"
    )
