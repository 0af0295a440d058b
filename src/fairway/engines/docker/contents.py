"""The files of an image, as an audit wants to know them. Nothing of it is run: it need have no shell, and cannot lie."""

from __future__ import annotations

import re

from fairway.engines.common.together import unbroken
from fairway.engines.docker.errors import explained
from fairway.engines.docker.observed import GONE
from fairway.engines.docker.tarstream import HARD_LINK, REGULAR, Member, TarError, TarReader
from fairway.model.errors import EngineError
from fairway.net.client import Docker, DockerError

SILENCE = 120.0
"""Seconds that an engine may take for the next piece."""
SPECIAL = 0o6000
"""Set user, set group."""
NAMED = re.compile(
    r"(^|/)(id_(rsa|dsa|ecdsa|ed25519)|\.netrc|\.git-credentials|\.pgpass|\.aws/credentials|\.docker/config\.json"
    r"|\.kube/config|\.git/HEAD|\.env(\.(local|prod|production|staging))?|etc/ssh/ssh_host_\w+_key)$"
)
"""Files that are keys or passwords, or lead to them."""
MAYBE = re.compile(r"\.(key|pem)$")
"""Files that are keys if it is said in them."""
EXAMPLES = re.compile(r"(^|/)(tests?|testdata|examples?|test_data|vectors)/")
PRIVATE = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
LARGEST = 1 << 16
"""Bytes: no key is larger."""


class Sieve:
    """Fed with the tar file of an image's files; in the end it has the names that matter."""

    def __init__(self) -> None:
        self.setuid: list[str] = []
        self.keys: list[str] = []
        self._reader = TarReader()
        self._member: Member | None = None
        self._content = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Raises TarError."""
        for piece in self._reader.feed(chunk):
            if piece.member is not self._member:
                self._leave()
                self._enter(piece.member)
            if piece.content and self._wanted(piece.member):
                self._content += piece.data

    def close(self) -> None:
        """Raises TarError where the file was not whole."""
        self._reader.close()
        self._leave()

    def _enter(self, member: Member) -> None:
        self._member = member
        self._content.clear()
        if member.kind in (REGULAR, HARD_LINK) and member.mode & SPECIAL:
            self.setuid.append(_path(member))
        if member.kind == REGULAR and member.size and NAMED.search(member.name) and not EXAMPLES.search(member.name):
            self.keys.append(_path(member))

    def _leave(self) -> None:
        if self._member and self._content and PRIVATE.search(self._content):
            self.keys.append(_path(self._member))

    def _wanted(self, member: Member) -> bool:
        likely = MAYBE.search(member.name) and not NAMED.search(member.name) and not EXAMPLES.search(member.name)
        return bool(likely) and member.kind == REGULAR and member.size <= LARGEST


def _path(member: Member) -> str:
    return "/" + member.name.removeprefix("./").removeprefix("/")


async def sift(docker: Docker, host: str, image: str) -> Sieve:
    """What is in an image (its id), as a container would find it. Raises EngineError.

    A container is made for it, and never started; one that somebody has left is taken, and removed.
    """
    name = f"fairway-audit-{image.removeprefix('sha256:')[:16]}"
    sieve = Sieve()
    with explained(host, f"The files of the image {image} could not be read"):
        await _make(docker, name, image)
        try:
            async with docker.open("GET", f"containers/{name}/export") as answer:
                async for chunk in answer.chunks(silence=SILENCE):
                    sieve.feed(chunk)
            sieve.close()
        except TarError as error:
            raise EngineError("The engine did not give out the whole image", where=host, why=str(error)) from error
        finally:
            await unbroken(_remove(docker, name))
    return sieve


async def _remove(docker: Docker, name: str) -> None:
    """Another audit of the same image may have been faster."""
    try:
        await docker.delete(f"containers/{name}", force=True, v=True)
    except DockerError as error:
        if error.status not in GONE:
            raise


async def _make(docker: Docker, name: str, image: str) -> None:
    body = {"Image": image, "Entrypoint": ["-"], "Cmd": [], "HostConfig": {"NetworkMode": "none"}}
    try:
        await docker.post("containers/create", body, name=name)
    except DockerError as error:
        if error.status != 409:
            raise
