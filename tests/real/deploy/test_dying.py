"""A deployer that dies, is interrupted, or is not alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.load.load import CHECKOUT
from tests.real.deploy.site import Site, kill

BOUNDARIES = 10
"""Before and after each of the five steps of a rolling deployment."""
EVERY = int(os.environ.get("FAIRWAY_BOUNDARIES", "5"))
"""With FAIRWAY_BOUNDARIES=1 all of them, by default every fifth."""


def die(site: Site, boundary: int) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.real.deploy.dying", str(boundary)],
        cwd=site.directory,
        env={**site.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, f"{done.returncode} {done.stdout} {done.stderr}"
    return done.stdout.strip()


@pytest.fixture
def deployed(site: Site) -> Site:
    site.fairway("ship", "production", VERSION="v1")
    return site


@pytest.mark.timeout(1200)
def test_killed_at_each_step_boundary_the_next_deployment_converges(deployed: Site) -> None:
    with deployed.load(slow=1) as load:
        for release, boundary in enumerate(range(1, BOUNDARIES + 1, EVERY), 2):
            deployed.variables["VERSION"] = f"v{release}"
            where = die(deployed, boundary)
            status = deployed.json("status", "production")
            assert status["holder"] is None, where
            # What is under way is written down while the first replicas start.
            assert status["under_way"] == release or (boundary == 1 and status["under_way"] is None), where
            deployed.fairway("deploy", "production")
            status = deployed.json("status", "production")
            assert (status["release"], status["converged"], status["problems"]) == (release, True, []), where
            assert len(deployed.replicas()) == 3, where
    assert load.report.failed == 0, load.report.failures[:5]
    assert len(deployed.containers()) == 3


def test_killed_and_then_the_old_version_is_wanted_again(deployed: Site) -> None:
    with deployed.load(slow=0) as load:
        for boundary in (2, 4, 6):
            deployed.variables["VERSION"] = "v2"
            die(deployed, boundary)
            deployed.fairway("deploy", "production", VERSION="v1")
            assert len(deployed.replicas()) == 3
    assert load.report.failed == 0, load.report.failures[:5]


def test_a_second_deployer_is_told_who_holds_the_lease_and_may_wait(deployed: Site) -> None:
    first = deployed.start("deploy", "production")
    deployed.variables |= {"VERSION": "v2", "BOOT": "3"}
    kill(first)
    first = deployed.start("deploy", "production")
    wait_until_held(deployed)
    refused = deployed.fairway("deploy", "production", check=False)
    assert refused.returncode == 5, refused.stderr
    assert "fairway deploy" in refused.stderr
    waited = deployed.fairway("deploy", "production", "--wait", "60s")
    assert first.wait(60) == 0
    assert "release 2 serves in production" in waited.stdout
    assert len(deployed.json("releases", "production")) == 2


def test_a_killed_deployer_frees_the_lease_at_once(deployed: Site) -> None:
    deployed.variables |= {"VERSION": "v2", "BOOT": "3"}
    first = deployed.start("deploy", "production")
    wait_until_held(deployed)
    kill(first)
    deployed.fairway("deploy", "production", "--wait", "5s")
    assert deployed.json("status", "production")["converged"]


def test_interrupted_it_leads_back_to_what_served(deployed: Site) -> None:
    before = deployed.replicas()
    deployed.variables |= {"VERSION": "v2", "BOOT": "5"}
    with deployed.load(slow=0) as load:
        process = deployed.start("deploy", "production")
        wait_until_held(deployed)
        time.sleep(0.5)
        os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert "interrupted" in said
    assert deployed.replicas() == before
    assert deployed.json("status", "production")["holder"] is None
    assert load.report.failed == 0, load.report.failures[:5]


def wait_until_held(site: Site) -> None:
    for _ in range(200):
        if site.json("status", "production")["holder"]:
            return
    raise AssertionError("nobody took the lease")
