"""Which engines a scenario runs on: all of them with FAIRWAY_ENGINES=all, one with FAIRWAY_ENGINES=swarm.

By default, on Docker; on a Swarm too where the test is marked with `engines`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.lab import Host, Swarm
from tests.real.deploy.site import Site, make_site

ALL = ("docker", "swarm")


thorough = pytest.mark.skipif(
    os.environ.get("FAIRWAY_ENGINES") not in ("all", "swarm"), reason="takes minutes: FAIRWAY_ENGINES=all"
)
"""A scenario of a Swarm alone that a usual run leaves out."""


def wanted(marked: bool) -> list[str]:
    said = os.environ.get("FAIRWAY_ENGINES", "")
    if said in ALL:
        return [said]
    return list(ALL) if said == "all" or marked else ["docker"]


def site_on(engine: str, directory: Path, request: pytest.FixtureRequest) -> Site:
    """The same application: on one Docker host, or on three nodes of a Swarm."""
    if engine == "docker":
        host: Host = request.getfixturevalue("docker_host")
        return make_site(directory, host)
    swarm: Swarm = request.getfixturevalue("swarm")
    return make_site(directory, swarm.hosts[0], engine="swarm", hosts=swarm.hosts)
