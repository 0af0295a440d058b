"""A deployer that is killed at a boundary between two steps, with each strategy; then a second machine goes on, or leads back.

Some boundaries of one strategy by default; with FAIRWAY_BOUNDARIES=1 all of all, and with 2 every second one.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.load.load import CHECKOUT
from tests.real.deploy.site import Site
from tests.real.strategies.rollouts import write_rollout

EVERY = int(os.environ.get("FAIRWAY_BOUNDARIES", "9"))
QUICK = {
    "recreate": "strategy: recreate",
    "rolling": "surge: 1",
    "blue-green": "strategy: blue-green, keep: 0s, preview: next.test, steps: [{scale: 100%, check: 'true'}]",
    "canary": "strategy: canary, before: 'true', after_keep: 'true', steps: [{traffic: 10}, {traffic: 50}]",
    "ab": "strategy: ab, steps: [{match: {header: {x-beta: '1'}}}, {users: 30%}]",
    "shadow": "strategy: shadow, steps: [{mirror: 50%}]",
}


def die(site: Site, boundary: int) -> str | None:
    """Where it was killed; None where there are not so many boundaries: then the release is there."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.real.deploy.dying", str(boundary)],
        cwd=site.directory,
        env={**site.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode in (0, -signal.SIGKILL), f"{done.returncode} {done.stdout} {done.stderr}"
    return done.stdout.strip() if done.returncode else None


def second_machine(site: Site, directory: Path) -> Site:
    """Another checkout of the same commit: what the first one built and knows is not in it."""
    shutil.copytree(site.directory, directory, ignore=shutil.ignore_patterns(".fairway"))
    return replace(site, directory=directory)


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("strategy", list(QUICK) if "FAIRWAY_BOUNDARIES" in os.environ else ["canary"])
def test_killed_at_a_boundary_a_second_machine_arrives(site: Site, tmp_path: Path, strategy: str) -> None:
    write_rollout(site, QUICK[strategy])
    site.fairway("ship", "production", VERSION="v0")
    second = second_machine(site, tmp_path / "second")
    load = site.load(keep_alive=4, one_shot=4, slow=0)
    killed = 0
    with load:
        for boundary in range(1, 100, EVERY):
            before = site.json("status", "production")["release"]
            site.variables["VERSION"] = f"v{boundary}"
            where = die(site, boundary)
            if where is None:
                break
            killed += 1
            status = second.json("status", "production")
            assert status["holder"] is None, where
            arrive(site, second, killed, status)
            status = second.json("status", "production")
            assert (status["converged"], status["under_way"], status["problems"]) == (True, None, []), where
            assert (status["release"] > before) == bool(killed % 2), where
            assert len(second.replicas()) == 3, where
            assert len(second.containers()) == 3, where
    print(f"{strategy}: killed {killed} times, {load.report.failed} of {load.report.requests} requests failed")
    assert killed
    if strategy != "recreate":
        assert load.report.failed == 0, load.report.summary()


def arrive(site: Site, second: Site, killed: int, status: dict[str, object]) -> None:
    """In turn, go on to the new release and lead back to the old one. Before anything was written down, begin anew."""
    if status["under_way"] is None:
        assert killed == 1
        site.fairway("deploy", "production")
    else:
        second.fairway("resume" if killed % 2 else "abort", "production")
