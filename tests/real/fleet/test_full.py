"""A host whose disk is full: it answers, and serves as before, so it is not lost, and no deployment leaves it behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.real.fleet.site import FleetSite, make_fleet

MOMENTS = {"before": "start web-r2", "shift": "move traffic", "drain": "drain web-r1"}
ALL = [(moment, policy) for moment in MOMENTS for policy in ("continue", "rollback")]
FAULTS = ALL if os.environ.get("FAIRWAY_FAULTS") == "all" else [("shift", "continue")]


@pytest.fixture(scope="module")
def small(lab: Lab) -> Iterator[Host]:
    host = lab.host(small=True)
    host.load_base_image()
    yield host
    host.destroy()


@pytest.fixture
def full(
    request: pytest.FixtureRequest, tmp_path: Path, fleet: Callable[[int], list[Host]], small: Host
) -> Iterator[FleetSite]:
    made = make_fleet(tmp_path / "site", [*fleet(2), small], loss=f"on_host_loss: {request.param}")
    yield made
    small.empty()
    made.site.down()


@pytest.mark.parametrize(("moment", "full"), FAULTS, indirect=["full"])
def test_nobody_sees_that_a_disk_is_full(full: FleetSite, moment: str) -> None:
    small = full.hosts["h3"]
    full.fairway("ship", "production")
    with full.load("h1") as one, full.load("h3") as three:
        full.site.variables["VERSION"] = "v2"
        deployer = full.start("deploy", "production")
        assert deployer.stderr
        said = ""
        for line in deployer.stderr:
            said += line
            if line.strip().startswith(MOMENTS[moment]):
                small.fill()
        code = deployer.wait(120)
        serving = {"v2" if moment == "drain" else "v1"}
        assert code == (1 if moment == "before" else 4)
        assert "make room" in said.lower(), said
        assert full.fairway("ps", "production").returncode == 0
        small.empty()
        full.fairway("reconcile", "production")
    print(f"| disk full | {moment} | {one.report.summary()}; {three.report.summary()} | {code} |")
    for load in (one, three):
        assert load.report.failed == 0, load.report.failures[:5]
    assert {host: len(names) for host, names in full.where().items()} == {"h1": 2, "h2": 2, "h3": 2}
    with full.load("h3", streams=0, websockets=0, slow=0) as after:
        full.fairway("status", "production")
    assert set(after.report.versions) == serving
    assert after.report.failed == 0
