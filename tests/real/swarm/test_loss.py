"""Nodes and managers that are lost while users are served, and while a release is under way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Host, Lab, Swarm
from tests.load.load import Load
from tests.real.deploy.site import HTTP_PORT, Site, make_site
from tests.real.engines import thorough

pytestmark = thorough
LOAD = {"keep_alive": 4, "one_shot": 4, "slow": 0, "websockets": 0, "streams": 0}
RESCHEDULED = 90.0
NOTICED = 20.0
"""Seconds in which a gateway takes what was asked of a node that is gone for lost, at most."""


@pytest.fixture
def own(lab: Lab) -> Iterator[Swarm]:
    """The test's own to break."""
    made = lab.swarm()
    yield made
    for host in made.hosts:
        host.destroy()


@pytest.fixture
def site(tmp_path: Path, own: Swarm) -> Site:
    made = make_site(tmp_path / "site", own.hosts[0], engine="swarm", hosts=own.hosts)
    made.fairway("ship", "production", VERSION="v1", REPLICAS="3")
    return made


def users(site: Site, host: Host) -> Load:
    return Load(f"http://{host.address}:{HTTP_PORT}", host=f"{site.app}.test", **LOAD)


def whole(site: Site, lost: Host, replicas: int = 4) -> float:
    """Seconds until as many run as before, none of them on the lost node."""
    began = time.monotonic()
    while time.monotonic() - began < RESCHEDULED:
        found = [one for one in site.json("ps", "production") if one["state"] == "running" and one["host"] != lost.name]
        if len(found) >= replicas:
            return time.monotonic() - began
        time.sleep(0.5)
    raise AssertionError(site.fairway("ps", "production").stdout)


def lose(host: Host, how: str) -> None:
    {"cut": host.unplug, "engine": host.kill_engine, "power": host.stop}[how]()


@pytest.mark.parametrize("how", ["cut", "engine", "power"])
def test_a_node_is_lost_under_load_and_swarm_makes_the_fleet_whole(site: Site, own: Swarm, how: str) -> None:
    edge, lost = own.hosts[0], own.hosts[2]
    with users(site, edge) as load:
        time.sleep(2)
        began = time.time()
        lose(lost, how)
        seconds = whole(site, lost)
        time.sleep(3)
    late = [one for one in load.report.failures if one.clock > began + NOTICED]
    print(
        f"{how}: {len(load.report.failures)} of {load.report.requests} failed, {len(late)} of them after {NOTICED:g} s; "
        f"whole again after {seconds:.0f} s"
    )
    assert late == [], load.report.summary()
    status = site.json("status", "production")
    assert status["release"] == 1
    site.fairway("deploy", "production", VERSION="v2")


def test_a_manager_is_lost_during_a_rollout(site: Site, own: Swarm) -> None:
    """The leader: the release goes on through the others, and what it ran runs elsewhere."""
    edge = next(host for host in own.hosts if host is not own.leader())
    with users(site, edge) as load:
        site.variables |= {"VERSION": "v2", "BOOT": "6"}
        process = site.start("deploy", "production")
        time.sleep(4)
        own.leader().stop()
        out, err = process.communicate(timeout=240)
    status = site.json("status", "production")
    print(f"exit {process.returncode}, {load.report.failed} of {load.report.requests} failed\n{out}{err}")
    assert status["under_way"] is None
    assert status["holder"] is None
    assert process.returncode == 0, out + err
