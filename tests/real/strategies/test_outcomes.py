"""Each strategy with a good version and with bad ones, under load: users see no failure that the rollout itself caused.

Some of them by default; all with FAIRWAY_STRATEGIES=all.
"""

from __future__ import annotations

import os
from typing import TypeVar

import pytest

from tests.load.report import Report
from tests.real.deploy.site import Site
from tests.real.strategies.rollouts import FAILING, write

LOAD = {"path": "/", "keep_alive": 6, "one_shot": 4, "slow": 0, "websockets": 0, "streams": 0, "pause": 0.02}
UNSEEN = ("blue-green", "shadow")
"""Strategies in which no user meets a version that has not been checked."""
T = TypeVar("T")


def some(*few: T, more: list[T]) -> list[T]:
    return [*few, *more] if os.environ.get("FAIRWAY_STRATEGIES") == "all" else [*few]


def begin(site: Site, strategy: str, **how: str) -> None:
    write(site, strategy, **how)
    site.fairway("ship", "production", VERSION="v1", REPLICAS="2")


def wrong(report: Report) -> list[object]:
    """Failures that are not the bad version's own answers."""
    return [failure for failure in report.failures if not (failure.version == "v2" and failure.reason == "status 500")]


@pytest.mark.parametrize("strategy", some("canary", "ab", "shadow", more=["rolling", "blue-green"]))
def test_a_good_version_takes_over_unseen(site: Site, strategy: str) -> None:
    begin(site, strategy)
    with site.load(**LOAD) as load:
        done = site.fairway("deploy", "production", VERSION="v2")
    assert load.report.failed == 0, load.report.summary()
    assert set(load.report.versions) == {"v1", "v2"}
    assert "release 2 serves in production" in done.stdout
    status = site.json("status", "production")
    assert (status["converged"], status["problems"]) == (True, [])


@pytest.mark.parametrize(
    ("strategy", "fault"),
    some(
        ("canary", "some-errors"),
        ("ab", "slow"),
        more=[("canary", "slow"), ("ab", "some-errors"), ("shadow", "some-errors"), ("shadow", "slow")],
    ),
)
def test_a_worse_version_is_found_and_led_back(site: Site, strategy: str, fault: str) -> None:
    begin(site, strategy)
    before = site.replicas()
    with site.load(**LOAD) as load:
        done = site.fairway("deploy", "production", VERSION="v2", BROKEN=fault, check=False)
    assert done.returncode == (1 if strategy == "shadow" else 3), done.stderr
    assert "web-r2 is worse than it may be" in done.stderr
    assert wrong(load.report) == [], load.report.summary()
    assert site.replicas() == before
    outcome = site.json("releases", "production")[0]["outcome"]
    if strategy == "shadow":  # nobody was to notice, and nobody had to be led back
        assert set(load.report.versions) == {"v1"}
        assert outcome == "failed"
    else:
        assert outcome == "rolled back"


@pytest.mark.parametrize("strategy", some("blue-green", more=["canary", "ab", "shadow"]))
def test_a_check_that_fails_leads_back(site: Site, strategy: str) -> None:
    begin(site, strategy, check=FAILING)
    before = site.replicas()
    with site.load(**LOAD) as load:
        done = site.fairway("deploy", "production", VERSION="v2", check=False)
    assert done.returncode == (1 if strategy in UNSEEN else 3), done.stderr
    assert "not good enough" in done.stderr
    assert load.report.failed == 0, load.report.summary()
    assert site.replicas() == before
    if strategy in UNSEEN:
        assert set(load.report.versions) == {"v1"}


@pytest.mark.parametrize("strategy", some("canary", more=["rolling", "blue-green", "ab", "shadow"]))
def test_a_version_that_is_never_ready_gets_no_request(site: Site, strategy: str) -> None:
    begin(site, strategy)
    with site.load(**LOAD) as load:
        done = site.fairway("deploy", "production", VERSION="v2", BROKEN="never-ready", check=False)
    assert done.returncode == 1, done.stderr
    assert "release 1 serves as before" in done.stderr
    assert load.report.failed == 0, load.report.summary()
    assert set(load.report.versions) == {"v1"}


@pytest.mark.parametrize("strategy", some("rolling", more=["blue-green"]))
def test_a_version_that_crashes_late_is_led_back(site: Site, strategy: str) -> None:
    begin(site, strategy, watch="12s")
    with site.load(**LOAD) as load:
        done = site.fairway("deploy", "production", VERSION="v2", BROKEN="crash-later", check=False)
    assert done.returncode == (1 if strategy == "blue-green" else 3), done.stderr
    assert "failed while it was watched" in done.stderr
    if strategy == "blue-green":  # it had no users yet
        assert load.report.failed == 0, load.report.summary()
    status = site.json("status", "production")
    assert (status["release"], status["converged"], status["problems"]) == (1, True, [])
