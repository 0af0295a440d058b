"""The same application on Docker hosts and on a Swarm, and what a Swarm leaves behind."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from tests.lab import Host, Swarm
from tests.real.deploy.site import Site, commit, make_site
from tests.real.engines import thorough

pytestmark = thorough
MANY = int(os.environ.get("FAIRWAY_DEPLOYMENTS", "4"))
LOAD = {"keep_alive": 4, "one_shot": 4, "slow": 0, "websockets": 0, "streams": 0}


def test_an_application_moves_from_a_docker_host_to_a_swarm(tmp_path: Path, docker_host: Host, swarm: Swarm) -> None:
    """Nothing but the environment's engine and hosts is written anew; both serve until what was before is taken down."""
    site = make_site(tmp_path / "site", docker_host)
    swarm.hosts[0].load_tools()
    site.fairway("ship", "production", VERSION="v1")
    moved = replace(site, host=swarm.hosts[0], engine="swarm", hosts=swarm.hosts)
    try:
        with site.load(**LOAD) as load:
            write(moved)
            moved.fairway("ship", "production")
            with moved.load(**LOAD) as there:
                moved.fairway("deploy", "production", VERSION="v2")
        assert load.report.failed == 0, load.report.summary()
        assert there.report.failed == 0, there.report.summary()
        assert set(load.report.versions) == {"v1"}
        assert set(there.report.versions) == {"v1", "v2"}
        said = moved.json("status", "production")
        assert (said["release"], said["converged"], said["problems"]) == (2, True, [])
    finally:
        moved.down()
        write(site)
        site.down()


def write(site: Site) -> None:
    (site.directory / "fairway.yaml").write_text(site.settings())
    commit(site.directory)


def test_nothing_is_left_of_releases_that_nobody_goes_back_to(tmp_path: Path, swarm: Swarm) -> None:
    site = make_site(tmp_path / "site", swarm.hosts[0], COMPOSE, SETTINGS, engine="swarm", hosts=swarm.hosts)
    try:
        for number in range(1, MANY + 1):
            site.fairway("deploy", "production", QUEUE=f"q{number}", SECRET=f"s{number}")
        found = {kind: left(swarm, kind, site.app) for kind in ("service", "config", "secret", "network")}
        print(f"{MANY} deployments: {found}")
        assert found == {"service": 1, "config": 2, "secret": 2, "network": 1}
        assert site.json("releases", "production")[0]["outcome"] == "promoted"
    finally:
        site.down()
    assert [left(swarm, kind, site.app) for kind in ("service", "config", "secret")] == [0, 0, 0]


def left(swarm: Swarm, kind: str, app: str) -> int:
    """How many there are of the application's releases; what is the environment's own does not count."""
    label = "fairway.kind=files" if kind in ("config", "secret") else f"fairway.app={app}"
    wanted = ("ls", "--quiet", "--filter", f"label=fairway.app={app}", "--filter", f"label={label}")
    return len(swarm.manager.docker(kind, *wanted).stdout.split())


COMPOSE = """
services:
  worker:
    image: debian:bookworm-slim
    init: true
    command: ["sh", "-c", "exec sleep infinity"]
    configs: [{source: queue, target: /etc/queue}]
    secrets: [word]
    deploy: {replicas: 2}
configs:
  queue: {content: "${QUEUE:-a}"}
secrets:
  word: {environment: SECRET}
"""
SETTINGS = """
app: %(app)s
keep_releases: 2
prune: {younger_than: 0s}
secrets: {store: environment}
environments:
  production: %(environment)s
services:
  worker:
    ready: {min_ready: 0.1s}
"""
