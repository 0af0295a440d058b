"""python -m bench.simulated_engine DIRECTORY COUNT: so many engines on DIRECTORY/0.sock …, until it is terminated.

Just as much of Docker's API as `bench.simulated` needs. Nothing of it is Docker's; it is here for its speed alone.
"""

from __future__ import annotations

import asyncio
import io
import json
import resource
import signal
import sys
import tarfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Json = dict[str, Any]
IMAGE = "sha256:" + "ab" * 32
MOMENT = "2026-01-01T00:00:00.000000000Z"


class Engine:
    """One host's containers, networks and ledger."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.containers: dict[str, Json] = {}
        self.networks: list[Json] = []
        self.files: dict[str, bytes] = {}
        self.count = 0

    def find(self, name: str) -> Json | None:
        return self.containers.get(name) or next((c for c in self.containers.values() if c["Name"] == f"/{name}"), None)

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, object]:
        """Status, and what is said: JSON, or bytes."""
        first, *rest = path.strip("/").split("/")
        said = {"version": self.version, "info": self.info, "volumes": self.volumes, "_ping": lambda: "OK"}
        if first in said and method == "GET":
            return 200, said[first]()
        if first == "volumes":
            return 201, {"Name": "v", "Mountpoint": "/v"}
        if first == "images":
            return 200, [] if rest == ["json"] else {"Id": IMAGE, "Config": {}, "RepoDigests": [], "RootFS": {}}
        if first == "networks":
            return self.network(rest, body)
        return self.container(method, rest, query, body)

    def version(self) -> Json:
        return {"ApiVersion": "1.41", "MinAPIVersion": "1.12", "Version": "0"}

    def info(self) -> Json:
        return {"ID": str(self.number), "Name": f"h{self.number}", "NCPU": 8, "MemTotal": 1 << 34, "SystemTime": MOMENT}

    def volumes(self) -> Json:
        return {"Volumes": []}

    def network(self, rest: list[str], body: bytes) -> tuple[int, object]:
        if rest != ["create"]:
            return 200, self.networks
        made = json.loads(body)
        self.networks.append({**made, "Id": made["Name"], "Created": MOMENT})
        return 201, {"Id": made["Name"]}

    def container(self, method: str, rest: list[str], query: dict[str, list[str]], body: bytes) -> tuple[int, object]:
        if rest == ["json"]:
            return 200, self.listed(json.loads(query.get("filters", ["{}"])[0]))
        if rest == ["create"]:
            return self.create(query["name"][0], json.loads(body))
        found = self.find(rest[0])
        if found is None:
            return 404, {"message": f"no such container: {rest[0]}"}
        match method, rest[1:]:
            case "GET", ["json"]:
                return 200, found
            case "POST", ["start"]:
                found["State"].update(Status="running", Running=True, StartedAt=MOMENT)
            case "POST", ["rename"]:
                del self.containers[found["Id"]]
            case "DELETE", _:
                del self.containers[found["Id"]]
            case _, ["archive"]:
                return self.archive(method, query["path"][0], body)
        return 204, b""

    def create(self, name: str, body: Json) -> tuple[int, object]:
        if self.find(name):
            return 409, {"message": "taken"}
        self.count += 1
        identity = f"{self.number:04x}{self.count:060x}"
        state = {"Status": "created", "Running": False, "StartedAt": "", "ExitCode": 0}
        self.containers[identity] = {
            "Id": identity,
            "Name": f"/{name}",
            "Created": MOMENT,
            "Image": IMAGE,
            "RestartCount": 0,
            "Config": {"Labels": body.get("Labels") or {}, "Tty": False},
            "HostConfig": body.get("HostConfig") or {},
            "NetworkSettings": {"Networks": body.get("NetworkingConfig", {}).get("EndpointsConfig") or {}},
            "Mounts": [],
            "State": state,
        }
        return 201, {"Id": identity}

    def listed(self, filters: dict[str, list[str]]) -> list[Json]:
        wanted = [tuple(label.split("=", 1)) for label in filters.get("label", [])]
        return [
            {
                "Id": one["Id"],
                "Names": [one["Name"]],
                "Labels": one["Config"]["Labels"],
                "State": "running",
                "NetworkSettings": {"Networks": {}},
            }
            for one in self.containers.values()
            if all(one["Config"]["Labels"].get(key) == value for key, value in wanted)
        ]

    def archive(self, method: str, path: str, body: bytes) -> tuple[int, object]:
        if method == "PUT":
            with tarfile.open(fileobj=io.BytesIO(body)) as tar:
                for member in tar:
                    if content := tar.extractfile(member):
                        self.files[member.name] = content.read()
            return 200, b""
        folder = path.removeprefix("/ledger/")
        there = {name: data for name, data in self.files.items() if name == folder or name.startswith(f"{folder}/")}
        if not there:
            return 404, {"message": "no such file"}
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for name, data in there.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        return 200, packed.getvalue()


async def serve(engine: Engine, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await exchange(engine, reader, writer):
            pass
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def exchange(engine: Engine, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """One request; False where the connection has become something else, and is over."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await read_body(reader, headers)
    parts = urlsplit(target)
    path = unquote(parts.path.partition("/v1.41")[2] or parts.path)
    if path.endswith("/attach") or path == "/events":
        upgraded = "101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp" if path.endswith("/attach") else "200 OK"
        writer.write(f"HTTP/1.1 {upgraded}\r\n\r\n".encode())
        await reader.read()  # until the other side has enough
        return False
    status, said = engine.answer(method, path, parse_qs(parts.query), body)
    data = said if isinstance(said, bytes) else json.dumps(said).encode()
    kind = "application/x-tar" if isinstance(said, bytes) and said else "application/json"
    stat = "X-Docker-Container-Path-Stat: e30=\r\n" if path.endswith("/archive") else ""
    length = f"Content-Length: {len(data)}\r\n" if status != 204 else ""
    writer.write(f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\n{stat}{length}\r\n".encode())
    writer.write(data if method != "HEAD" else b"")
    await writer.drain()
    return True


async def read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body


async def main(directory: Path, count: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    for number in range(count):
        engine = Engine(number)
        await asyncio.start_unix_server(
            lambda reader, writer, engine=engine: serve(engine, reader, writer),  # type: ignore[misc]
            directory / f"{number}.sock",
        )
    print("ready", flush=True)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
