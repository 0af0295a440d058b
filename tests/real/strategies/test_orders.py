"""What operators say to a release that is under way, from another machine: here, another process."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.real.deploy.site import Site, kill
from tests.real.strategies.rollouts import write_rollout

APPROVED = "strategy: canary, steps: [{traffic: 10, hold: approve}, {traffic: 50, hold: approve}]"
LOAD = {"keep_alive": 4, "one_shot": 4, "slow": 0, "websockets": 0, "streams": 0}


@pytest.fixture
def waiting(site: Site) -> Site:
    """Release 1 serves, and release 2 is to wait for two approvals."""
    write_rollout(site, APPROVED)
    site.fairway("ship", "production", VERSION="v1")
    return site


@contextmanager
def deploying(site: Site, phase: int = 1) -> Iterator[subprocess.Popen[str]]:
    site.variables["VERSION"] = "v2"
    process = site.start("deploy", "production")
    try:
        reach(site, phase)
        yield process
    finally:
        if process.poll() is None:
            kill(process)


def reach(site: Site, phase: int, release: int = 2) -> None:
    until = time.monotonic() + 60
    while True:
        status = site.json("status", "production")
        if (status["under_way"], status["phase"]) == (release, phase):
            return
        assert time.monotonic() < until, site.fairway("status", "production").stdout


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out + err


def test_each_approval_opens_one_phase(waiting: Site) -> None:
    with waiting.load(**LOAD) as load, deploying(waiting) as process:
        assert waiting.json("status", "production")["waits_for_approval"]
        waiting.fairway("approve", "production")
        reach(waiting, 2)
        time.sleep(1)
        assert process.poll() is None
        waiting.fairway("approve", "production")
        assert ended(process)[0] == 0
    assert load.report.failed == 0, load.report.summary()
    assert waiting.json("status", "production")["release"] == 2
    assert waiting.fairway("approve", "production", check=False).returncode == 6


def test_an_abort_leads_back_at_once(waiting: Site) -> None:
    before = waiting.replicas()
    with waiting.load(**LOAD) as load, deploying(waiting) as process:
        said = waiting.fairway("abort", "production")
        status, told = ended(process)
    assert "leads it, and has been told" in said.stdout
    assert status == 3, told
    assert "has aborted the release" in told
    assert load.report.failed == 0, load.report.summary()
    assert waiting.replicas() == before
    assert waiting.json("releases", "production")[0]["outcome"] == "rolled back"


def test_promote_now_waits_for_nothing_more(waiting: Site) -> None:
    with waiting.load(**LOAD) as load, deploying(waiting) as process:
        assert waiting.fairway("promote", "production", check=False).returncode == 2
        waiting.fairway("promote", "production", "--now")
        assert ended(process)[0] == 0
    assert load.report.failed == 0, load.report.summary()
    assert waiting.json("status", "production")["release"] == 2


def test_a_pause_holds_what_was_approved_until_it_is_taken_back(waiting: Site) -> None:
    with deploying(waiting) as process:
        waiting.fairway("pause", "production")
        waiting.fairway("approve", "production")
        time.sleep(1)
        status = waiting.json("status", "production")
        assert status["phase"] == 1
        assert status["paused_by"]
        waiting.fairway("resume", "production")
        reach(waiting, 2)
        waiting.fairway("approve", "production")
        assert ended(process)[0] == 0


def test_killed_while_it_waits_another_machine_goes_on_in_the_same_phase(waiting: Site) -> None:
    with waiting.load(**LOAD) as load:
        with deploying(waiting) as process:
            waiting.fairway("approve", "production")
            reach(waiting, 2)
            kill(process)
        told = waiting.fairway("status", "production").stdout
        assert "nobody leads it: `fairway resume` goes on" in told
        assert "phase 2 of 2" in told
        waiting.fairway("approve", "production")
        done = waiting.fairway("resume", "production")
        assert "release 2 serves in production" in done.stdout
        assert "phase 1" not in done.stderr
    assert load.report.failed == 0, load.report.summary()


def test_killed_while_it_waits_another_machine_leads_back(waiting: Site) -> None:
    before = waiting.replicas()
    with waiting.load(**LOAD) as load:
        with deploying(waiting) as process:
            kill(process)
        assert "was led back" in waiting.fairway("abort", "production").stdout
    assert load.report.failed == 0, load.report.summary()
    assert waiting.replicas() == before
    status = waiting.json("status", "production")
    assert (status["release"], status["under_way"], status["converged"]) == (1, None, True)


def test_without_a_release_under_way_there_is_nothing_to_say(waiting: Site) -> None:
    for words in (["approve"], ["pause"], ["resume"], ["abort"], ["promote", "--now"]):
        done = waiting.fairway(*words, "production", check=False)
        assert done.returncode == 6, words
        assert "no release is under way in production" in done.stderr


def test_a_newer_release_takes_the_place_of_one_that_was_cut_off(waiting: Site) -> None:
    with waiting.load(**LOAD) as load:
        with deploying(waiting) as process:
            kill(process)
        waiting.variables["VERSION"] = "v3"
        third = waiting.start("deploy", "production")
        reach(waiting, 1, release=3)
        assert sorted(name.partition("production-")[2] for name in waiting.replicas()) == [
            "web-r1-1",
            "web-r1-2",
            "web-r3-1",
            "worker-r1-1",
        ]
        waiting.fairway("promote", "production", "--now")
        assert third.wait(60) == 0
    assert load.report.failed == 0, load.report.summary()
    assert waiting.json("releases", "production")[1]["outcome"] == "interrupted"
