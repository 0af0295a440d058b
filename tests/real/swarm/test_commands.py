"""Fairway's commands on a Swarm, as a user has them."""

from __future__ import annotations

import pytest

from tests.lab import Swarm
from tests.real.deploy.site import Site, make_site

COMPOSE = """
services:
  worker:
    image: debian:bookworm-slim
    init: true
    command: ["sh", "-c", "echo working on ${QUEUE:-a}; exec sleep infinity"]
    deploy:
      replicas: 3
      placement:
        max_replicas_per_node: ${MOST:-1}
      resources: {reservations: {memory: "${MEMORY:-16M}"}}
"""
SETTINGS = """
app: %(app)s
environments:
  production: %(environment)s
services:
  worker:
    ready: {min_ready: 0.2s, deadline: 10s}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, swarm: Swarm) -> Site:
    made = make_site(
        tmp_path_factory.mktemp("swarm") / "site", swarm.hosts[0], COMPOSE, SETTINGS, engine="swarm", hosts=swarm.hosts
    )
    made.fairway("deploy", "production")
    return made


def test_swarm_places_what_is_deployed(site: Site, swarm: Swarm) -> None:
    replicas = site.json("ps", "production")
    assert {one["host"] for one in replicas} == {host.name for host in swarm.hosts}
    status = site.json("status", "production")
    assert (status["release"], status["converged"], status["problems"]) == (1, True, [])
    assert "nothing has changed" in site.fairway("deploy", "production").stdout


def test_logs_exec_run_and_stats_reach_all_nodes(site: Site) -> None:
    assert site.fairway("logs", "production").stdout.count("working on a") == 3
    for replica in site.json("ps", "production"):
        said = site.fairway("exec", "production", replica["name"], "--", "sh", "-c", "hostname; exit 0").stdout
        assert said.strip()
    failed = site.fairway("run", "production", "worker", "--", "sh", "-c", "echo once; exit 7", check=False)
    assert (failed.returncode, failed.stdout.strip()) == (7, "once")
    usages = site.json("stats", "production")
    assert [one["state"] for one in usages] == ["running"] * 3
    assert all(one["memory"] for one in usages)


def test_hosts_are_the_nodes(site: Site, swarm: Swarm) -> None:
    done = site.fairway("hosts", "production", "--json", check=False)
    assert all(host.name in done.stdout for host in swarm.hosts), done.stdout + done.stderr


def test_what_does_not_fit_fails_with_swarms_own_reason(site: Site) -> None:
    failed = site.fairway("deploy", "production", MEMORY="64G", check=False)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "no suitable node (insufficient resources on" in failed.stderr
    site.variables.pop("MEMORY")
    assert site.json("status", "production")["release"] == 1


def test_a_release_takes_the_place_of_another(site: Site) -> None:
    site.fairway("deploy", "production", QUEUE="b", MOST="2")
    assert {one["revision"]["release"] for one in site.json("ps", "production")} == {3}


def test_a_drained_node_is_empty_until_it_is_given_back(site: Site, swarm: Swarm) -> None:
    node = swarm.hosts[2].name
    try:
        site.fairway("hosts", "drain", node, "--environment", "production")
        replicas = site.json("ps", "production")
        assert len(replicas) == 3
        assert node not in {one["host"] for one in replicas}
    finally:
        site.fairway("hosts", "undrain", node, "--environment", "production")
    assert site.json("status", "production")["converged"]


def test_down_leaves_nothing(site: Site) -> None:
    site.fairway("down", "production", "--yes")
    assert site.containers() == []
