from __future__ import annotations

import os
from pathlib import Path

import pytest

from fairway.builders.docker import DockerBuilder
from tests.lab.host import Host


@pytest.fixture
def environ(docker_host: Host, base_image: str, tmp_path: Path) -> dict[str, str]:
    """The variables of a docker command line with a configuration of its own."""
    return {**os.environ, "DOCKER_CONFIG": str(tmp_path / "docker-config")}


@pytest.fixture
def builder(docker_host: Host, environ: dict[str, str]) -> DockerBuilder:
    return DockerBuilder(docker_host.url, environ=environ)
