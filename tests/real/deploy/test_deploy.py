"""Deployments as users make them, under load: nobody may see one."""

from __future__ import annotations

import contextlib
import os
import time
from urllib.request import Request, urlopen

import pytest

from tests.load.report import Report
from tests.real.deploy.site import Site, commit

MANY = int(os.environ.get("FAIRWAY_DEPLOYMENTS", "2"))


def versions(report: Report) -> set[str]:
    return {answer.version for answer in report.answers}


@pytest.fixture
def deployed(site: Site) -> Site:
    site.fairway("ship", "production", VERSION="v1")
    return site


@pytest.mark.engines
def test_a_new_version_takes_over_without_one_failed_request(deployed: Site) -> None:
    with deployed.load(slow=1) as load:
        done = deployed.fairway("deploy", "production", VERSION="v2")
    assert load.report.failed == 0, load.report.failures[:5]
    assert versions(load.report) == {"v1", "v2"}
    assert "release 2 serves in production" in done.stdout


def test_a_deployment_without_changes_does_nothing_and_says_so(deployed: Site) -> None:
    before = deployed.containers()
    done = deployed.fairway("deploy", "production")
    assert done.stdout == "nothing has changed: release 1 serves in production\n"
    assert deployed.containers() == before
    assert len(deployed.json("releases", "production")) == 1


def test_only_the_service_that_changed_is_replaced(deployed: Site) -> None:
    deployed.fairway("deploy", "production", QUEUE="b")
    assert [name.partition("production-")[2] for name in deployed.replicas()] == ["web-r1-1", "web-r1-2", "worker-r2-1"]


@pytest.mark.parametrize(("fault", "said"), [("crash", "MOOD is missing"), ("never-ready", "GET /up answered")])
def test_a_broken_version_never_gets_traffic(deployed: Site, fault: str, said: str) -> None:
    settings = deployed.directory / "fairway.yaml"
    settings.write_text(settings.read_text().replace("deadline: 20s", f"deadline: {deployed.patience}s"))
    commit(deployed.directory)
    deployed.fairway("build", "production")
    deployed.fairway("test", "production")
    before = deployed.replicas()
    with deployed.load(slow=1) as load:
        done = deployed.fairway("deploy", "production", check=False, VERSION="v2", BROKEN=fault)
    assert done.returncode == 1, done.stderr
    assert said in done.stderr
    assert "release 1 serves as before" in done.stderr
    assert load.report.failed == 0, load.report.failures[:5]
    assert versions(load.report) == {"v1"}
    assert deployed.replicas() == before
    assert deployed.json("releases", "production")[0]["outcome"] == "failed"


def test_many_deployments_in_a_row_under_load(deployed: Site) -> None:
    with deployed.load() as load:
        for count in range(MANY):
            deployed.fairway("deploy", "production", VERSION=f"v{2 - count % 2}")
    report = load.report
    print(
        f"{MANY} deployments, {report.requests} requests, {report.failed} failed; {report.websockets}; {report.streams}"
    )
    assert report.failed == 0, report.failures[:5]
    assert versions(report) == {"v1", "v2"}
    assert len(deployed.replicas()) == 3


def test_a_rollback_brings_back_the_configuration_too(deployed: Site) -> None:
    deployed.fairway("deploy", "production", VERSION="v2", QUEUE="b")
    with deployed.load(slow=0) as load:
        done = deployed.fairway("rollback", "production")
    assert load.report.failed == 0, load.report.failures[:5]
    assert "release 3 serves in production" in done.stdout
    newest = deployed.json("releases", "production")[0]
    assert (newest["outcome"], newest["reason"]) == ("promoted", "rollback to 1")
    assert deployed.variable("worker", "QUEUE") == "a"


def test_scaling_touches_no_replica_that_stays(deployed: Site) -> None:
    two = deployed.replicas()
    with deployed.load(slow=0) as load:
        deployed.fairway("deploy", "production", REPLICAS="4")
        four = deployed.replicas()
        deployed.fairway("deploy", "production", REPLICAS="1")
    assert load.report.failed == 0, load.report.failures[:5]
    assert set(two) < set(four)
    assert len(four) == 5
    (left,) = [name for name in deployed.replicas() if "web" in name]
    assert left.endswith("web-r1-1") or (deployed.engine == "swarm" and left in four)  # which ones go is Swarm's choice


def test_status_and_plan_say_what_is_and_what_would_be(deployed: Site) -> None:
    status = deployed.json("status", "production")
    assert status["release"] == 1
    assert status["converged"]
    assert not status["problems"]
    plan = deployed.fairway("plan", "production", VERSION="v2").stdout
    assert "environment" in plan
    assert "VERSION" in plan
    assert "start web-r2 ×2" in plan
    assert deployed.json("status", "production")["release"] == 1


def test_routes_are_right_after_the_engine_was_restarted(deployed: Site) -> None:
    deployed.host.reboot()
    wait_until_it_answers(deployed)
    with deployed.load(slow=0) as load:
        pass
    assert load.report.failed == 0, load.report.failures[:5]
    assert deployed.fairway("deploy", "production").stdout.startswith("nothing has changed")


def wait_until_it_answers(site: Site) -> None:
    """The engine starts its containers when it has started itself; Swarm starts others, and that once it has seen the loss."""
    for _ in range(100 if site.engine == "docker" else 900):
        with contextlib.suppress(OSError):
            asked = Request(f"{site.url}/up", headers={"Host": f"{site.app}.test"})
            with urlopen(asked, timeout=1) as answer:
                if answer.status == 200:
                    return
        time.sleep(0.1)
    raise AssertionError("the site did not come back")
