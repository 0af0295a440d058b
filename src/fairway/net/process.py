"""A process started in a running container."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from fairway.net.client import Docker
from fairway.net.stream import Stream


class Process(Struct, frozen=True):
    """It runs, or has run; `stream` is connected to it, and must be closed. Calls raise DockerError, Disconnected."""

    docker: Docker
    id: str
    stream: Stream

    async def resize(self, height: int, width: int) -> None:
        await self.docker.post(f"exec/{self.id}/resize", h=height, w=width)

    async def status(self) -> int:
        """Its exit status, once it has ended; 0 while it runs."""
        return int((await self.docker.get(f"exec/{self.id}/json"))["ExitCode"] or 0)


async def process(
    docker: Docker, container: str, command: Sequence[str], *, stdin: bool = False, tty: bool = False
) -> Process:
    body = {
        "Cmd": list(command),
        "AttachStdin": stdin,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": tty,
    }
    made = await docker.post(f"containers/{container}/exec", body)
    stream = await docker.hijack(f"exec/{made['Id']}/start", data={"Detach": False, "Tty": tty}, tty=tty)
    return Process(docker, made["Id"], stream)


async def output(docker: Docker, container: str, command: Sequence[str]) -> tuple[int, bytes]:
    """The exit status of a command, and all that it prints."""
    started = await process(docker, container, command)
    try:
        said = await started.stream.all()
    finally:
        started.stream.close()
    return await started.status(), said
