"""A gateway is replaced while it serves: a second container's Envoy takes the sockets over (a hot restart).

The old Envoy hands over its listening sockets once the new one is ready, answers what it has, asks its clients to connect
again, and ends after SUCCESSION seconds. Both containers exist for that time. A deployer that dies on the way leaves a
successor that serves; the next one gives it its name.
"""

from __future__ import annotations

import json
import os

from fairway.gateway.container import HTTPS, NAME, PEERS, ROLE, SUCCESSOR, Json, find, prepare
from fairway.gateway.session import opened
from fairway.model.peers import Identity
from fairway.net.client import Docker, DockerError

LOCK = "exec 8>>lock\nflock -w 20 8"
"""Nobody else changes the files until the session ends."""


async def successor(
    docker: Docker,
    old: Json,
    wanted: Json,
    port: int,
    *,
    where: str,
    identity: Identity | None = None,
) -> str:
    """Started beside `old`, which runs. It serves as soon as it is ready, and is to be given `old`'s name then."""
    async with opened(docker, old["Id"], where) as shell:
        said = json.loads((await shell.run("ask /server_info", timeout=10)).output)["command_line_options"]
        succession = {
            "FAIRWAY_BASE": said["base_id"],
            "FAIRWAY_EPOCH": said["restart_epoch"] + 1,
            "FAIRWAY_GENERATION": os.urandom(8).hex(),
        }
        environment = [f"{name}={value}" for name, value in succession.items()]
        made = await docker.post("containers/create", {**wanted, "Env": environment}, name=SUCCESSOR)
        created: str = made["Id"]
        await shell.run(LOCK, timeout=30)  # who changes the listeners meanwhile would not find them again
        labels = wanted["Labels"]
        https = int(labels.get(HTTPS, 0))
        await prepare(docker, created, port, peers=PEERS in labels, https=https, identity=identity)
    await docker.post(f"containers/{created}/start")
    return created


async def succeed(docker: Docker, new: str, where: str) -> None:
    """The successor, which is ready, becomes the gateway; the one before it is not to start again. Safe to repeat.

    Others may be about the same: the lock of the files is held meanwhile.
    """
    async with opened(docker, new, where) as shell:
        await shell.run(LOCK, timeout=30)
        left = await find(docker, SUCCESSOR)
        if left is None or left["Id"] != new:
            return
        old = await find(docker)
        if old is not None:
            await docker.post(f"containers/{old['Id']}/update", {"RestartPolicy": {"Name": "no"}})
            await docker.post(f"containers/{old['Id']}/rename", name=f"{NAME}-{old['Id'][:12]}")
        await docker.post(f"containers/{new}/rename", name=NAME)


async def forget_predecessors(docker: Docker) -> None:
    """Remove the containers of gateways that have ended."""
    filters = {"label": [ROLE], "status": ["exited", "dead"]}
    for ended in await docker.get("containers/json", all=True, filters=filters):
        if f"/{NAME}" not in ended["Names"]:
            try:
                await docker.delete(f"containers/{ended['Id']}")
            except DockerError as error:
                if error.status not in (404, 409):
                    raise
