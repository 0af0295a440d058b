"""Evidence in a registry that wants a token for each thing that one does there."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from fairway.attest import dsse, said, statement
from fairway.model.build import ImageRef
from fairway.model.errors import RegistryError
from fairway.registry import artefacts
from fairway.registry.credentials import DockerConfig
from fairway.registry.http import HttpRegistry
from fairway.registry.reference import Reference
from fairway.registry.referrers import RegistryEvidence
from tests.lab.registry import Registry

pytestmark = pytest.mark.anyio


async def test_who_reads_first_is_let_in_again_to_write(token_registry: tuple[str, list[str]], tmp_path: Path) -> None:
    address, asked = token_registry
    words = base64.b64encode(b"ship:sesame").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {address: {"auth": words}}}))
    registry = HttpRegistry(config=DockerConfig({"DOCKER_CONFIG": str(tmp_path), "PATH": "/usr/bin:/bin"}))
    store = RegistryEvidence(registry)
    image = await pushed(store, f"{address}/team/web")
    envelope = dsse.envelope(statement.encode(said.published(image, ["1"], "2026-05-01T10:00:00Z", "ci")))
    assert await store.find(image) == ()
    for _ in range(2):
        await store.keep(image, [envelope])
    assert await store.find(image) == (envelope,)
    assert {line.rpartition(":")[2] for line in asked} >= {"pull", "pull,push"}
    strangers = RegistryEvidence(HttpRegistry(config=DockerConfig({"DOCKER_CONFIG": "/none", "PATH": "/bin"})))
    with pytest.raises(RegistryError, match="asks for a password"):
        await strangers.keep(image, [envelope])


class Newer(BaseHTTPRequestHandler):
    """Stands before a registry that has no referrers API, and has one: no registry at hand does."""

    behind: str
    attached: list[bytes]

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "/referrers/" in self.path:
            subject = self.path.rpartition("/")[2]
            found = [one for one in self.attached if json.loads(one)["subject"]["digest"] == subject]
            listed = [
                {"digest": artefacts.sha256(one), "artifactType": json.loads(one)["artifactType"]} for one in found
            ]
            self.answer(200, {"Content-Type": artefacts.INDEX}, json.dumps({"manifests": listed}).encode())
            return
        if self.command == "PUT" and "/manifests/" in self.path and b'"subject"' in body:
            self.attached.append(body)
        kept = {key: value for key, value in self.headers.items() if key not in ("Host", "Content-Length")}
        said = httpx2.request(self.command, f"http://{self.behind}{self.path}", content=body or None, headers=kept)
        self.answer(said.status_code, said.headers, said.content)

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for key, value in headers.items():
            if key.lower() not in ("content-length", "transfer-encoding", "content-encoding"):
                self.send_header(key, value.replace(self.behind, f"127.0.0.1:{self.server.server_port}"))  # type: ignore[attr-defined]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = serve

    def log_message(self, *_: object) -> None:
        pass


async def test_the_referrers_api_is_used_where_there_is_one(registry: Registry) -> None:
    attached: list[bytes] = []
    handler = type("Handler", (Newer,), {"behind": registry.address, "attached": attached})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        client = HttpRegistry()
        store = RegistryEvidence(client)
        image = await pushed(store, f"127.0.0.1:{server.server_port}/native/web")
        envelopes = [
            dsse.envelope(statement.encode(said.published(image, [tag], "2026-05-01T10:00:00Z", "ci"))) for tag in "ab"
        ]
        await store.keep(image, envelopes)
        assert set(await store.find(image)) == set(envelopes)
        assert len(attached) == 2
        assert await client.digest(f"{image.repository}:{artefacts.fallback(image.digest)}") is None
    finally:
        server.shutdown()
        server.server_close()


async def pushed(store: RegistryEvidence, repository: str) -> ImageRef:
    """An image with nothing in it."""
    told = {"schemaVersion": 2, "mediaType": artefacts.MANIFEST, "config": artefacts.NOTHING, "layers": []}
    content = json.dumps(told).encode()
    wanted = Reference.parse(f"{repository}@{artefacts.sha256(content)}")
    async with store.registry.session(wanted) as session:
        await store._blob(session, wanted, b"{}")
        await store._manifest(session, wanted, wanted.version, content, artefacts.MANIFEST)
    return ImageRef(reference=f"{repository}:1", digest=wanted.version)
