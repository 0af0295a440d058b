from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fairway.builders.docker import DockerBuilder
from fairway.model.app import BuildSpec, Service
from fairway.model.errors import BuildFailed
from fairway.ports.making import BuildRequest
from tests.lab.host import Host

pytestmark = pytest.mark.anyio


@pytest.fixture
def small_host(make_host: Callable[[], Host]) -> Iterator[Host]:
    """A host whose data root is a tmpfs of 320 MB."""
    host = make_host()
    host.stop()
    data = host.directory / "data"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=320m", "tmpfs", data], check=True)
    try:
        host.start()
        host.load_base_image()
        yield host
    finally:
        host.stop()
        subprocess.run(["umount", "-l", data], check=True)


async def test_a_full_disk_is_said_while_building(small_host: Host, environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian:bookworm-slim\nRUN dd if=/dev/zero of=/big bs=1M count=999\n")
    builder = DockerBuilder(small_host.url, environ=environ)
    request = BuildRequest(Service(name="web", build=BuildSpec(context=str(tmp_path))), ("web:1",), {}, {})
    with pytest.raises(BuildFailed, match="The engine's disk is full: web") as caught:
        await builder.build(request, lambda event: None)
    assert "docker builder prune" in caught.value.hint
