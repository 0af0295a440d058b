"""The console as a process of its own, with its own stdin: python -m tests.real.engine.console URL APP IMAGE WHAT TTY COMMAND…"""

from __future__ import annotations

import asyncio
import sys

from fairway.engines.docker.console import DockerConsole
from fairway.engines.docker.engine import DockerEngine
from fairway.model.app import Service
from fairway.model.build import ImageRef
from fairway.model.environment import Environment
from fairway.model.files import FileMount
from fairway.net.docker import connect
from tests.lab import Host
from tests.real.engine.conftest import World


def console_release(world: World) -> object:
    service = Service(
        name="web",
        command=("sh", "-c", "while :; do sleep 0.05; done"),
        environment={"COLOUR": "blue"},
        secrets=(FileMount(source="key", target="/run/secrets/key"),),
    )
    return world.release(service, secrets={"key": "v1"})


async def main(url: str, app: str, image: str, what: str, tty: str, *command: str) -> int:
    world = World(Host.__new__(Host), ImageRef(reference="base", id=image), Environment(app, "test"))
    release = console_release(world)
    async with connect(url) as docker:
        console = DockerConsole(world.environment, docker)
        if what == "run":
            environment = {"EXTRA": "größer"}
            return await console.run(
                release,
                "web",
                command,
                {"key": b"secret"},
                environment=environment,
                tty=tty == "tty",  # type: ignore[arg-type]
            )
        (replica,) = (await DockerEngine(world.environment, docker).observe()).replicas
        return await console.exec(replica, command, tty=tty == "tty", stdin=True)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
