"""A registry that lets in whoever has a token, and the server that gives them, as large registries have it."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Tokens:
    """Signs what the registry wants to see: a JSON Web Token with its certificate in it."""

    def __init__(self, folder: Path) -> None:
        self.key, self.certificate = folder / "key.pem", folder / "cert.pem"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tokens"),
                *("-keyout", self.key, "-out", self.certificate),
            ],
            check=True,
            capture_output=True,
        )

    def token(self, scope: str) -> str:
        kind, name, actions = scope.split(":")
        der = "".join(self.certificate.read_text().splitlines()[1:-1])
        access = [{"type": kind, "name": name, "actions": actions.split(",")}]
        now = int(time.time())
        claims = {"iss": "tokens", "aud": "registry", "sub": "ship", "jti": "1", "access": access}
        claims |= {"iat": now, "nbf": now - 60, "exp": now + 60}
        head = {"typ": "JWT", "alg": "RS256", "x5c": [der]}
        signed = ".".join(encoded(json.dumps(part).encode()) for part in (head, claims))
        signature = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", self.key], input=signed.encode(), check=True, capture_output=True
        )
        return f"{signed}.{encoded(signature.stdout)}"


@pytest.fixture
def token_registry(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """Its address on this machine, and what the token server was asked."""
    tokens, asked = Tokens(tmp_path), []  # type: ignore[var-annotated]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            scope = parse_qs(urlsplit(self.path).query)["scope"][0]
            authorization = self.headers.get("Authorization")
            if authorization:
                asked.append(f"{authorization} {scope}")
            self.send_response(200 if authorization else 401)
            self.end_headers()
            if authorization:
                self.wfile.write(json.dumps({"token": tokens.token(scope)}).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = free_port()
    config = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
        "auth": {
            "token": {
                "realm": f"http://127.0.0.1:{server.server_port}/token",
                "service": "registry",
                "issuer": "tokens",
                "rootcertbundle": str(tokens.certificate),
            }
        },
    }
    (tmp_path / "config.yml").write_text(json.dumps(config))
    process = subprocess.Popen(["docker-registry", "serve", tmp_path / "config.yml"], stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield f"127.0.0.1:{port}", asked
    finally:
        process.terminate()
        process.wait()
        server.shutdown()
        server.server_close()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("docker-registry did not start")
