"""What stays warm, what fails and stays to be looked at, and the jobs around it."""

from __future__ import annotations

import time

from tests.real.deploy.site import Site
from tests.real.strategies.rollouts import FAILING, write_rollout

LOAD = {"keep_alive": 4, "one_shot": 4, "slow": 0}


def names(site: Site) -> list[str]:
    return sorted(name.partition("production-")[2] for name in site.replicas() if "web" in name)


def test_the_old_one_stays_warm_and_a_rollback_goes_back_to_its_very_replicas(site: Site) -> None:
    write_rollout(site, "keep: 1h")
    site.fairway("ship", "production", VERSION="v1")
    first = site.running("web")
    with site.load(**LOAD) as load:
        site.fairway("deploy", "production", VERSION="v2")
        assert names(site) == ["web-r1-1", "web-r1-2", "web-r2-1", "web-r2-2"]
        assert site.fairway("deploy", "production").stdout.startswith("nothing has changed")
        assert "warm" in site.fairway("status", "production").stdout
        site.fairway("rollback", "production")
    assert load.report.failed == 0, load.report.summary()
    assert site.running("web") == first


def test_when_its_time_is_over_whoever_comes_next_removes_it(site: Site) -> None:
    write_rollout(site, "keep: 25s")
    assert site.fairway("reconcile", "production", check=False).returncode == 6
    site.fairway("ship", "production", VERSION="v1")
    site.fairway("deploy", "production", VERSION="v2")
    began = time.monotonic()
    assert site.fairway("reconcile", "production", VERSION="v3").stdout.startswith("nothing has changed")
    assert len(names(site)) == 4
    time.sleep(max(0.0, began + 26 - time.monotonic()))
    site.fairway("reconcile", "production")
    assert names(site) == ["web-r2-1", "web-r2-2"]
    assert site.json("status", "production")["converged"]


def test_reconcile_starts_again_what_somebody_has_removed(site: Site) -> None:
    site.fairway("ship", "production", VERSION="v1")
    gone, host = next(iter(site.running("web").items()))
    with site.load(**LOAD) as load:
        host.docker("rm", "-f", gone)
        site.fairway("reconcile", "production", VERSION="v2")
        assert names(site) == ["web-r1-1", "web-r1-2"]
    assert set(load.report.versions) <= {"v1", ""}
    assert len(site.json("releases", "production")) == 1


def test_on_fail_hold_leads_users_back_and_keeps_the_new_ones(site: Site) -> None:
    write_rollout(site, f"strategy: canary, on_fail: hold, steps: [{{traffic: 20, check: {FAILING}}}]")
    site.fairway("ship", "production", VERSION="v1")
    with site.load(**LOAD) as load:
        done = site.fairway("deploy", "production", VERSION="v2", check=False)
    assert done.returncode == 7, done.stderr
    assert "to be looked at" in done.stderr
    assert load.report.failed == 0, load.report.summary()
    assert names(site) == ["web-r1-1", "web-r1-2", "web-r2-1"]
    assert site.json("releases", "production")[0]["outcome"] == "held"
    assert site.fairway("reconcile", "production", check=False).returncode == 6
    site.fairway("deploy", "production", VERSION="v1")
    assert names(site) == ["web-r1-1", "web-r1-2"]


def test_jobs_run_once_a_release_before_and_after(site: Site) -> None:
    compose, text = site.directory / "compose.yaml", (site.directory / "compose.yaml").read_text()
    if site.engine == "swarm":  # data is where its node is
        text = text.replace(
            "      replicas: ${REP",
            f"      placement: {{constraints: ['node.hostname=={site.host.name}']}}\n      replicas: ${{REP",
        )
    compose.write_text(
        text.replace("    expose:", "    user: root\n    volumes: [data:/data]\n    expose:") + "volumes: {data: {}}\n"
    )
    job = "'sh -c \"echo %s $FAIRWAY_RELEASE >> /data/log\"'"
    write_rollout(site, f"strategy: rolling, before: {job % 'expand'}, after_keep: {job % 'contract'}")
    site.fairway("ship", "production", VERSION="v1")
    site.fairway("deploy", "production")
    site.fairway("deploy", "production", VERSION="v2")
    site.fairway("rollback", "production")
    web = next(name for name in site.replicas() if "web" in name)
    said = site.fairway("exec", "production", web, "--", "cat", "/data/log").stdout.split("\n")
    assert said == ["expand 1", "contract 1", "expand 2", "contract 2", ""]
    assert len(site.containers()) == len(site.replicas())


def test_a_job_that_fails_before_anything_started_changes_nothing(site: Site) -> None:
    write_rollout(site, f"before: {FAILING}")
    site.fairway("ship", "production", check=False, VERSION="v1")
    assert names(site) == []
    write_rollout(site, "before: 'true'")
    site.fairway("ship", "production")
    write_rollout(site, f"before: {FAILING}")
    with site.load(**LOAD) as load:
        done = site.fairway("ship", "production", check=False, VERSION="v2")
    assert done.returncode == 1, done.stderr
    assert "not good enough" in done.stderr
    assert load.report.failed == 0, load.report.summary()
    assert names(site) == ["web-r2-1", "web-r2-2"]
