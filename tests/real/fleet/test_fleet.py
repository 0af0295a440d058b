"""Deployments to three hosts. With FAIRWAY_DEPLOYMENTS=30, so many in a row."""

from __future__ import annotations

import os
import time

import pytest

from tests.real.deploy.site import kill
from tests.real.fleet.site import FleetSite

MANY = int(os.environ.get("FAIRWAY_DEPLOYMENTS", "1"))
SPREAD = {"h1": 2, "h2": 2, "h3": 2}


def counted(site: FleetSite) -> dict[str, int]:
    return {host: len(names) for host, names in site.where().items()}


@pytest.mark.timeout(300 + 20 * MANY)
def test_releases_take_each_others_place_on_all_hosts_under_load(fleet_site: FleetSite) -> None:
    fleet_site.fairway("ship", "production")
    assert counted(fleet_site) == SPREAD
    with fleet_site.load("h1") as one, fleet_site.load("h2") as two:
        for number in range(MANY):
            fleet_site.fairway("deploy", "production", VERSION=f"v{number % 2 + 2}")
            assert counted(fleet_site) == SPREAD
        broken = fleet_site.fairway("deploy", "production", VERSION="broken", BROKEN="crash", check=False)
        back = fleet_site.json("rollback", "production")
    assert broken.returncode == 1
    assert back["changed"]
    print(f"{MANY} deployments: {one.report.requests} and {two.report.requests} requests; {one.report.streams}")
    for load in (one, two):
        assert load.report.failed == 0, load.report.failures[:5]
    said = fleet_site.fairway("logs", "production", "--tail", "1").stdout
    assert len({line.partition(" ")[0] for line in said.splitlines()}) == 6
    used = fleet_site.json("stats", "production")
    assert {usage["host"] for usage in used} == {"h1", "h2", "h3"}
    assert all(usage["cpu"] is not None and usage["memory"] > 1 << 20 for usage in used)
    assert fleet_site.fairway("exec", "production", "web", "hostname").stdout.strip()
    assert "once" in fleet_site.fairway("run", "production", "web", "echo", "once").stdout
    fleet_site.fairway("down", "production", "--yes", "--volumes")
    assert fleet_site.containers() == {"h1": [], "h2": [], "h3": []}


def test_of_two_deployers_one_is_told_and_a_killed_one_is_followed(fleet_site: FleetSite) -> None:
    fleet_site.fairway("ship", "production")
    fleet_site.site.variables |= {"VERSION": "v2", "BOOT": "3"}
    with fleet_site.load("h3") as load:
        first = fleet_site.start("deploy", "production")
        until_locked(fleet_site)
        second = fleet_site.fairway("deploy", "production", check=False)
        assert second.returncode == 5
        assert "is locked" in second.stderr and "fairway deploy" in second.stderr
        assert first.wait(60) == 0
        fleet_site.site.variables |= {"VERSION": "v3"}
        third = fleet_site.start("deploy", "production")
        until_locked(fleet_site)
        kill(third)
        said = fleet_site.fairway("status", "production").stdout
        assert "nobody leads it" in said
        assert fleet_site.fairway("deploy", "production", BOOT="0.3").returncode == 0
    assert load.report.failed == 0, load.report.failures[:5]
    assert counted(fleet_site) == SPREAD


def until_locked(site: FleetSite) -> None:
    until = time.monotonic() + 30
    while "under way" not in site.fairway("status", "production").stdout:
        assert time.monotonic() < until


def test_a_drained_host_is_empty_one_that_is_given_back_is_used_and_the_authority_is_exchanged(
    fleet_site: FleetSite,
) -> None:
    fleet_site.fairway("ship", "production")
    with fleet_site.load("h1") as one, fleet_site.load("h2") as two:
        fleet_site.fairway("hosts", "drain", "h2")
        assert counted(fleet_site) == {"h1": 3, "h3": 3}
        fleet_site.fairway("hosts", "undrain", "h2")
        assert counted(fleet_site) == {"h1": 3, "h3": 3}
        fleet_site.fairway("deploy", "production", VERSION="v2")
        before = signers(fleet_site)
        done = fleet_site.fairway("hosts", "rotate-authority", "production")
        assert "none trusts the old one any more" in done.stderr
        assert signers(fleet_site) != before
        assert len(signers(fleet_site)) == 1
        time.sleep(1)
        print(f"the authority was exchanged: {one.report.summary()} {two.report.summary()}")
    for load in (one, two):
        assert load.report.failed == 0, load.report.failures[:5]
    assert counted(fleet_site) == SPREAD
    refused = fleet_site.fairway("hosts", "drain", "h9", check=False)
    assert refused.returncode == 2 and "its hosts: h1, h2, h3" in refused.stderr
    the_same_trail_on_all(fleet_site, ["ship", "hosts drain", "hosts undrain", "deploy", "hosts rotate-authority"])


def the_same_trail_on_all(site: FleetSite, commands: list[str]) -> None:
    """A command that was called wrong has no line."""
    told = site.json("audit", "production", "--verify")
    assert told["whole"], told["problems"]
    assert [line["entry"]["command"] for line in told["lines"]] == [f"fairway {command}" for command in commands]
    for folder in ("audit", "evidence"):
        where = f"/ledger/{site.site.app}-production.{folder}"
        kept = {
            host.docker("exec", "fairway-keeper", "sh", "-c", f"cat {where}/*").stdout for host in site.hosts.values()
        }
        assert len(kept) == 1 and kept != {""}, folder


def signers(site: FleetSite) -> set[str]:
    """What each gateway trusts."""
    shown = "cat /etc/fairway/authority-*.pem"
    return {host.docker("exec", "fairway-gateway", "sh", "-c", shown).stdout for host in site.hosts.values()}
