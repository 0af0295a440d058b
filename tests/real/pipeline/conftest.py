from __future__ import annotations

import os
from pathlib import Path

import pytest

from fairway.builders.docker import DockerBuilder
from tests.lab.host import Host

SERVE = """
use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalPort => 80, Listen => 9, ReuseAddr => 1) or die;
while (my $c = $s->accept) {
  my $first = <$c>; my $host = '';
  while (<$c>) { $host = $1 if /^Host: (\\S+)/; last if /^\\r?$/ }
  my ($m, $path) = split ' ', $first;
  my $status = $path eq '/' ? '200 OK' : '404 Not Found';
  print $c "HTTP/1.0 $status\\r\\n\\r\\nI am $host\\n"; close $c;
}
"""


@pytest.fixture(scope="session")
def helper(tools_image: str) -> str:
    """An image with cat and curl, without the weight of Envoy."""
    return tools_image


@pytest.fixture
def environ(docker_host: Host, base_image: str, tmp_path: Path) -> dict[str, str]:
    """The variables of a docker command line with a configuration of its own."""
    return {**os.environ, "DOCKER_CONFIG": str(tmp_path / "docker-config")}


@pytest.fixture
def builder(docker_host: Host, environ: dict[str, str]) -> DockerBuilder:
    return DockerBuilder(docker_host.url, environ=environ)
