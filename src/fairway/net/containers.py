"""What more than one room asks of a container: its files, and what it has printed."""

from __future__ import annotations

import io
import tarfile
from collections.abc import AsyncGenerator

from fairway.net.client import TAR, Docker, DockerError, Parameter, Response
from fairway.net.stream import STDOUT, Frames, Message


async def get(docker: Docker, container: str, path: str) -> tarfile.TarFile:
    """A file or a folder of it, running or not. DockerError with 404 where it is not there."""
    async with docker.open("GET", f"containers/{container}/archive", {"path": path}) as answer:
        return tarfile.open(fileobj=io.BytesIO(await answer.read()))


async def put(docker: Docker, container: str, path: str, tar: bytes) -> None:
    """Unpack a tar file at `path`."""
    async with docker.open("PUT", f"containers/{container}/archive", {"path": path}, body=tar, headers=TAR):
        pass


async def has(docker: Docker, container: str, path: str) -> bool:
    """Whether there is such a file; cheap beside reading it."""
    try:
        async with docker.open("HEAD", f"containers/{container}/archive", {"path": path}):
            return True
    except DockerError as error:
        if error.status == 404:
            return False
        raise


async def printed(docker: Docker, container: str, *, tty: bool = False, **params: Parameter) -> str:
    """What it has printed so far. `params` are those of Docker's reference: stdout, stderr, tail, since."""
    async with docker.open("GET", f"containers/{container}/logs", params) as answer:
        said = [message.data async for message in messages(answer, tty=tty)]
    return b"".join(said).decode(errors="replace")


async def messages(answer: Response, *, tty: bool, silence: float | None = None) -> AsyncGenerator[Message, None]:
    """What it prints, as it comes; in whole messages where it has no terminal. TimeoutError as Response.chunks."""
    frames = Frames()
    async for chunk in answer.chunks(silence):
        if tty:
            yield Message(STDOUT, chunk)
            continue
        frames.feed(chunk)
        while message := frames.next():
            yield message
