"""Two deployers on two machines, and the network between one of them and the hosts is cut: never both, and nobody waits for long.

With FAIRWAY_FAULTS=all, it is cut to some of the hosts, too.
"""

from __future__ import annotations

import os
import select
import time

import pytest

from tests.lab.lab import Lab
from tests.real.fleet.site import FleetSite
from tests.real.fleet.test_fleet import SPREAD, counted, until_locked

ALL = {"h1-h2-h3": 1, "h1-h2": 1, "h1": 1}
CUTS = ALL if os.environ.get("FAIRWAY_FAULTS") == "all" else {"h1-h2-h3": 1}


@pytest.mark.parametrize(("cut", "code"), CUTS.items())
def test_a_deployer_that_is_cut_off_leaves_the_right_to_the_other_one(
    fleet_site: FleetSite, lab: Lab, cut: str, code: int
) -> None:
    one, other = lab.seat(), lab.seat()
    fleet_site.fairway("ship", "production")
    with fleet_site.load("h1") as first_edge, fleet_site.load("h3") as third_edge:
        fleet_site.site.variables |= {"VERSION": "v2", "BOOT": "15"}
        first = fleet_site.start("deploy", "production", before=one.here)
        until_locked(fleet_site)
        told = fleet_site.start("deploy", "production", before=other.here)
        assert "is locked" in told.communicate(timeout=60)[1]
        assert told.returncode == 5
        began = time.monotonic()
        for host in cut.split("-"):
            one.mute(fleet_site.hosts[host].address)
        fleet_site.site.variables |= {"VERSION": "v3", "BOOT": "0.3"}
        second = fleet_site.start("deploy", "production", "--wait", "5m", before=other.here)
        _, said = first.communicate(timeout=120)
        ended = time.monotonic() - began
        assert first.returncode == code, said
        assert not select.select([second.stderr], [], [], 0)[0]  # it has not begun
        _, said = second.communicate(timeout=300)
        assert second.returncode == 0, said
        print(
            f"| {cut} | {ended:.1f} s until it ended | {time.monotonic() - began:.1f} s until the other one had deployed |"
        )
    assert counted(fleet_site) == SPREAD
    for load in (first_edge, third_edge):
        print(load.report.summary())
        assert load.report.failed == 0, load.report.failures[:5]
        assert list(load.report.versions)[-1] == "v3"
