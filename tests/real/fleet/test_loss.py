"""Hosts that fail, before and during a deployment. With FAIRWAY_FAULTS=all, each fault at each moment; it prints a table."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.host import Host
from tests.lab.shell import alive
from tests.real.fleet.site import FleetSite, make_fleet

MOMENTS = {"before": "", "shift": "move traffic", "drain": "drain web-r1"}
SOME = [("unplug", "shift", "continue")]
ALL = [
    (fault, moment, policy) for fault in ("unplug", "stop") for moment in MOMENTS for policy in ("continue", "rollback")
]
FAULTS = ALL if os.environ.get("FAIRWAY_FAULTS") == "all" else SOME


@pytest.fixture
def three(fleet: Callable[[int], list[Host]]) -> Iterator[list[Host]]:
    """Those of all tests: whatever becomes of them, they are up again."""
    hosts = fleet(3)
    yield hosts
    for host in hosts:
        host.plug()
        if not alive(host.directory / "pid"):
            host.start()


@pytest.fixture
def lossy(request: pytest.FixtureRequest, tmp_path: Path, three: list[Host]) -> Iterator[FleetSite]:
    made = make_fleet(tmp_path / "site", three, loss=f"on_host_loss: {request.param}")
    yield made
    made.site.down()


@pytest.mark.parametrize(("fault", "moment", "lossy"), FAULTS, indirect=["lossy"])
def test_users_of_the_other_hosts_are_served(lossy: FleetSite, fault: str, moment: str) -> None:
    lossy.fairway("ship", "production")
    lost = lossy.hosts["h3"]
    policy = "continue" if "on_host_loss: continue" in (lossy.site.directory / "fairway.yaml").read_text() else ""
    lossy.site.variables["VERSION"] = "v2"
    with lossy.load("h1", streams=0, websockets=0, slow=0) as load:
        cut = fail(lost, fault) if moment == "before" else 0.0
        deployer = lossy.start("deploy", "production")
        assert deployer.stderr
        told = []
        for line in deployer.stderr:
            told.append(line)
            if not cut and line.strip().startswith(MOMENTS[moment]):
                cut = fail(lost, fault)
        code = deployer.wait(120)
        time.sleep(1)
    report = load.report
    last = max((failure.clock - cut for failure in report.failures), default=0.0)
    print(
        f"| {fault} | {moment} | {policy or 'rollback'} | {report.failed} of {report.requests}, the last {last:.1f} s after | {code} |"
    )

    # What the lost host had been asked in the moment of its loss fails, and nothing after that.
    assert all(failure.clock - 11 < cut + 3 for failure in report.failures), report.failures
    assert report.failed <= 32
    said = "".join(told)
    assert "h3" in said
    serving = {"v2"} if policy or moment == "drain" else {"v1"}
    if moment == "before" and not policy:
        assert code == 1 and "no host may be lost" in said
    elif policy:
        assert code == 4 and "serves, without h3" in said
    elif moment == "drain":
        assert code == 4 and "release 2 serves" in said
    else:
        assert code in {1, 3}

    back(lost, fault)
    lossy.fairway("reconcile", "production")
    assert all(len(names) == len(set(names)) for names in lossy.where().values())
    assert sum(len(names) for names in lossy.where().values()) == 6
    with lossy.load("h3", streams=0, websockets=0, slow=0) as returned:
        time.sleep(1)
    assert returned.report.failed == 0
    assert set(returned.report.versions) == serving


def fail(host: Host, fault: str) -> float:
    getattr(host, fault)()
    return time.time()


def back(host: Host, fault: str) -> None:
    if fault == "unplug":
        host.plug()
    else:
        host.start()
    time.sleep(2)  # its replicas, and its gateway, start again


def test_with_no_host_nothing_is_touched_and_half_of_them_are_too_few(tmp_path: Path, three: list[Host]) -> None:
    site = make_fleet(tmp_path / "site", three, loss="on_host_loss: continue, max_lost: 2".replace(", ", "\n    "))
    site.fairway("ship", "production")
    for host in three[1:]:
        host.unplug()
    refused = site.fairway("deploy", "production", VERSION="v2", check=False)
    assert refused.returncode == 1
    assert "cannot be locked: 1 of its 3 hosts answer" in refused.stderr
    assert "h2 does not answer" in refused.stderr and "h3 does not answer" in refused.stderr
    three[0].unplug()
    refused = site.fairway("deploy", "production", check=False)
    assert "none of the 3 hosts answers: nothing was touched" in refused.stderr
    for host in three:
        host.plug()
    assert site.fairway("status", "production").stdout.count("web-r1") == 1
    site.site.down()


def test_what_dies_is_started_again_as_long_as_somebody_watches(fleet_site: FleetSite) -> None:
    fleet_site.fairway("ship", "production")
    watcher = fleet_site.start("reconcile", "production", "--watch")
    stop = threading.Timer(60, watcher.kill)
    stop.start()
    time.sleep(4)
    names = fleet_site.where()
    fleet_site.hosts["h2"].docker("rm", "-f", names["h2"][0])
    until = time.monotonic() + 40
    while sum(len(found) for found in fleet_site.where().values()) < 6 and time.monotonic() < until:
        time.sleep(0.5)
    stop.cancel()
    watcher.terminate()
    assert fleet_site.where() == names
