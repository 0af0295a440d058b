"""Deployments to three hosts."""

from __future__ import annotations

from tests.real.fleet.site import FleetSite


def test_a_release_runs_on_all_hosts_and_another_takes_its_place(fleet_site: FleetSite) -> None:
    print(fleet_site.fairway("ship", "production").stdout)
    assert {host: len(names) for host, names in fleet_site.where().items()} == {"h1": 2, "h2": 2, "h3": 2}
    with fleet_site.load("h1") as one, fleet_site.load("h2") as two:
        print(fleet_site.fairway("ship", "production", VERSION="v2").stdout)
    assert {host: len(names) for host, names in fleet_site.where().items()} == {"h1": 2, "h2": 2, "h3": 2}
    for load in (one, two):
        assert load.report.requests > 100 and load.report.failed == 0, load.report.failures[:5]
