from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fairway.model.build import ImageRef
from tests.lab import Host

CLOTH = 3 << 20
"""The size of a large layer; it cannot be compressed."""


@dataclass
class Yard:
    """A host whose engine builds images of layers for one test."""

    host: Host
    directory: Path
    name: str

    def build(self, tag: str, *layers: str) -> ImageRef:
        """debian:bookworm-slim, and a layer with the file /NAME for each; `top` is small and always new, the others large."""
        lines = ["FROM debian:bookworm-slim"]
        for layer in layers:
            file = self.directory / layer
            if layer == "top":
                file.write_text(uuid.uuid4().hex)
            elif not file.exists():
                file.write_bytes(os.urandom(CLOTH))
                os.utime(file, (0, 0))  # a second copy is the same layer
            lines.append(f"COPY {layer} /{layer}")
        (self.directory / "Dockerfile").write_text("\n".join([*lines, f'LABEL tag="<{tag}>"', ""]))
        reference = f"{self.name}:{tag}"
        self.host.docker("build", "--quiet", "--tag", reference, str(self.directory))
        return ImageRef(reference=reference, id=identity(self.host, reference))

    def top(self) -> str:
        return (self.directory / "top").read_text()


def identity(host: Host, reference: str) -> str:
    """The image's id, or nothing."""
    return host.docker("image", "inspect", "--format", "{{.Id}}", reference, check=False).stdout.strip()


@pytest.fixture
def three(fleet: Callable[[int], list[Host]]) -> list[Host]:
    return fleet(3)


@pytest.fixture
def yard(three: list[Host], tmp_path: Path) -> Iterator[Yard]:
    name = f"t{uuid.uuid4().hex[:8]}"
    yield Yard(three[0], tmp_path, name)
    for host in three:
        found = set(host.docker("images", "--quiet", "--no-trunc", name).stdout.split())
        if found:
            host.docker("rmi", "--force", *found)


@pytest.fixture
def small_host(make_host: Callable[[], Host]) -> Iterator[Host]:
    """A host without images, whose disk has 60 MB: no room for any."""
    host = make_host()
    host.stop()
    data = host.directory / "data"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", data], check=True)
    try:
        host.start()
        yield host
    finally:
        host.stop()
        subprocess.run(["umount", "-l", data], check=True)
