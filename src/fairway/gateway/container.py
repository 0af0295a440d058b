"""The gateway's container: one Envoy a host, in the host's network, for all environments on it."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from fairway.gateway import certificates
from fairway.gateway.identity import Delivery
from fairway.model.peers import Identity
from fairway.net.client import Docker, DockerError
from fairway.net.containers import get, put
from fairway.render.envoy import Discovery, cluster_file, discovery, named, route_file
from fairway.render.envoy_edge import SLOTS, edge_listener
from fairway.render.envoy_listener import bootstrap, listener
from fairway.render.envoy_peers import peers_listener
from fairway.render.envoy_tcp import PIPES
from fairway.render.envoy_tls import DIRECTORY
from fairway.render.names import NAMES

Json = dict[str, Any]

NAME = "fairway-gateway"
RUNTIME = "/run/fairway"
SUCCESSOR = "fairway-gateway-next"
PARAMETERS = "fairway.parameters"
HTTPS = "fairway.https"
"""The label of a gateway that speaks TLS with users: its port."""
PEERS = "fairway.peers"
"""The label of a gateway that the gateways of other hosts can reach."""
ROLE = "fairway.role=gateway"
SUCCESSION = 900
"""Seconds that an Envoy goes on with the streams it has, after another one has taken over."""
LOGS = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}


def specification(image: str, image_id: str, port: int, *, peers: bool = False, https: int = 0) -> Json:
    """What Docker is asked to create. Its label PARAMETERS is a hash of everything that makes one gateway differ from another.

    `https` is the port for users who speak TLS; 0: there is none.
    """
    listening = listeners(port, peers=peers, https=https)
    start = files("fairway.data").joinpath("gateway/run.sh").read_text()
    wanted: Json = {
        "Image": image,
        "Entrypoint": ["/bin/sh", "-c", start, "fairway-gateway"],
        "Cmd": arguments(peers=peers, https=https > 0),
        "WorkingDir": "/",
        "StopSignal": "SIGTERM",
        "HostConfig": {
            "NetworkMode": "host",
            "IpcMode": "host",
            "CapDrop": ["ALL"],
            "CapAdd": ["NET_BIND_SERVICE"],
            "SecurityOpt": ["no-new-privileges"],
            "ReadonlyRootfs": True,
            "RestartPolicy": {"Name": "always"},
            "LogConfig": LOGS,
            "Binds": [f"{NAME}:{DIRECTORY}", *([f"{NAMES}:{PIPES}"] if peers else [])],
            "Tmpfs": {RUNTIME: "mode=0700,size=64m"},
        },
    }
    identity = json.dumps([wanted, image_id, listening.version], sort_keys=True).encode()
    wanted["Labels"] = {"fairway.role": "gateway", PARAMETERS: hashlib.sha256(identity).hexdigest()[:16]}
    if peers:
        wanted["Labels"][PEERS] = "true"
    if https:
        wanted["Labels"][HTTPS] = str(https)
    return wanted


def listeners(port: int, *, peers: bool, https: int, names: Iterable[Json] = ()) -> Discovery:
    found = [listener(DIRECTORY, port)]
    if peers:
        found.append(peers_listener(DIRECTORY))
    if https:
        found.append(edge_listener(DIRECTORY, https))
    return discovery([*found, *names])


def arguments(*, peers: bool, https: bool) -> list[str]:
    start = json.dumps(bootstrap(DIRECTORY, f"{RUNTIME}/admin.sock", peers=peers, https=https), separators=(",", ":"))
    return [
        "--config-yaml",
        start,
        "--reject-unknown-dynamic-fields",
        "--log-level",
        "warning",
        "--drain-strategy",
        "immediate",
        "--parent-shutdown-time-s",
        str(SUCCESSION),
    ]


def first_files(port: int, *, peers: bool = False, https: int = 0) -> dict[str, Discovery]:
    return {
        "lds.json": listeners(port, peers=peers, https=https),
        "cds.json": cluster_file({}),
        "rds.json": route_file(()),
    }


async def read_file(docker: Docker, identity: str, name: str) -> bytes | None:
    """A file of the gateway's volume; None where it is not there."""
    try:
        archive = await get(docker, identity, f"{DIRECTORY}/{name}")
    except DockerError as error:
        if error.status == 404:
            return None
        raise
    with archive:
        member = archive.extractfile(name)
        return member.read() if member else None


async def write_files(docker: Docker, identity: str, contents: Mapping[str, bytes]) -> None:
    """For their owner alone. Only files that no Envoy reads at the time: they are not renamed into their place."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, body in contents.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(body), 0o600
            tar.addfile(member, io.BytesIO(body))
    await put(docker, identity, DIRECTORY, packed.getvalue())


async def prepare(
    docker: Docker,
    container: str,
    port: int,
    *,
    peers: bool = False,
    https: int = 0,
    identity: Identity | None = None,
) -> None:
    """Before it starts: the files that Envoy needs, where they are not there; the listeners' and the identity's always.

    The listeners of names that are there stay, where the gateway has their volume. A gateway that runs meanwhile, from the
    same volume, does not look at a file that is not renamed into its place.
    """
    first = first_files(port, peers=peers, https=https)
    have = dict(zip(first, await asyncio.gather(*(read_file(docker, container, name) for name in first)), strict=True))
    missing = {name: file for name, file in first.items() if have[name] is None}
    known = have["lds.json"] if peers else None
    wanted = {**missing, "lds.json": listeners(port, peers=peers, https=https, names=named(known) if known else ())}
    written = {name: file.body.encode() for name, file in wanted.items()}
    if https and await read_file(docker, container, f"{SLOTS[-1]}.json") is None:
        from fairway.net.certificates import placeholder

        written.update(certificates.Delivery.of((), certificates.NOBODY, (), placeholder()).for_start())
    await write_files(docker, container, {**written, **(Delivery.of(identity).for_start() if identity else {})})


async def find(docker: Docker, name: str = NAME) -> Json | None:
    """The gateway's container, as inspected; None where there is none."""
    try:
        return dict(await docker.get(f"containers/{name}/json"))
    except DockerError as error:
        if error.status == 404:
            return None
        raise


async def has_peers(docker: Docker) -> bool:
    """Whether the host's gateway is there for the gateways of other hosts, too: some environment has several hosts."""
    found = await find(docker)
    return found is not None and PEERS in found["Config"]["Labels"]


def https_port(found: Json | None) -> int:
    """Where this gateway, as inspected, speaks TLS with users; 0: nowhere."""
    return int(found["Config"]["Labels"].get(HTTPS, 0)) if found else 0
