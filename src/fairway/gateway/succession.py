"""A gateway is replaced while it serves: a second container's Envoy takes the sockets over (a hot restart).

The old Envoy hands over its listening sockets once the new one is ready, answers what it has, asks its clients to connect
again, and ends after SUCCESSION seconds. Both containers exist for that time. A deployer that dies on the way leaves a
successor that serves; the next one gives it its name.
"""

from __future__ import annotations

import json
import secrets

import aiodocker
from aiodocker.containers import DockerContainer
from aiodocker.exceptions import DockerError

from fairway.gateway.container import HTTPS, NAME, PEERS, ROLE, SUCCESSOR, Json, find, prepare
from fairway.gateway.session import opened
from fairway.model.peers import Identity

LOCK = "exec 8>>lock\nflock -w 20 8"
"""Nobody else changes the files until the session ends."""


async def successor(
    docker: aiodocker.Docker,
    old: DockerContainer,
    wanted: Json,
    port: int,
    *,
    where: str,
    identity: Identity | None = None,
) -> DockerContainer:
    """Started beside `old`, which runs. It serves as soon as it is ready, and is to be given `old`'s name then."""
    async with opened(docker, old.id, where) as session:
        said = json.loads((await session.run("ask /server_info", timeout=10)).output)["command_line_options"]
        succession = {
            "FAIRWAY_BASE": said["base_id"],
            "FAIRWAY_EPOCH": said["restart_epoch"] + 1,
            "FAIRWAY_GENERATION": secrets.token_hex(8),
        }
        environment = [f"{name}={value}" for name, value in succession.items()]
        created = await docker.containers.create({**wanted, "Env": environment}, name=SUCCESSOR)
        await session.run(LOCK, timeout=30)  # who changes the listeners meanwhile would not find them again
        labels = wanted["Labels"]
        await prepare(created, port, peers=PEERS in labels, https=int(labels.get(HTTPS, 0)), identity=identity)
    await created.start()
    return created


async def succeed(docker: aiodocker.Docker, new: DockerContainer, where: str) -> None:
    """The successor, which is ready, becomes the gateway; the one before it is not to start again. Safe to repeat.

    Others may be about the same: the lock of the files is held meanwhile.
    """
    async with opened(docker, new.id, where) as session:
        await session.run(LOCK, timeout=30)
        left = await find(docker, SUCCESSOR)
        if left is None or left.id != new.id:
            return
        old = await find(docker)
        if old is not None:
            await docker._query_json(f"containers/{old.id}/update", "POST", data={"RestartPolicy": {"Name": "no"}})
            await old.rename(f"{NAME}-{old.id[:12]}")
        await new.rename(NAME)


async def forget_predecessors(docker: aiodocker.Docker) -> None:
    """Remove the containers of gateways that have ended."""
    filters = json.dumps({"label": [ROLE], "status": ["exited", "dead"]})
    for ended in await docker.containers.list(all=True, filters=filters):
        if f"/{NAME}" not in ended["Names"]:
            try:
                await ended.delete()
            except DockerError as error:
                if error.status not in (404, 409):
                    raise
