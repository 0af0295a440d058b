"""A host that is dead for good: with the data that it had, and where there were but two."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.host import Host
from tests.real.fleet.site import COMPOSE, FleetSite, make_fleet
from tests.real.fleet.test_loss import three

__all__ = ["three"]

DATA = """  db:
    build: web
    init: true
    restart: unless-stopped
    entrypoint: []
    command: ["sleep", "infinity"]
    volumes: [data:/data]
    deploy: {resources: {limits: {memory: 32M, pids: 16}}}
volumes: {data: {}}
"""


@pytest.fixture
def pair(tmp_path: Path, three: list[Host]) -> Iterator[FleetSite]:
    """Two hosts: one of them is no majority."""
    made = make_fleet(tmp_path / "site", three[:2], compose=COMPOSE + DATA)
    made.site.variables["REPLICAS"] = "2"
    yield made
    for host in three[:2]:
        host.plug()
    made.site.down()


def test_who_knows_that_a_host_is_dead_goes_on_without_it(pair: FleetSite) -> None:
    fairway = pair.fairway
    fairway("ship", "production")
    home = next(host for host, names in pair.where().items() if any("db-r1" in name for name in names))
    other = next(name for name in pair.hosts if name != home)
    alive = fairway("hosts", "remove", home, "--lost", check=False)
    assert alive.returncode == 2
    assert f"{home} answers: only what is dead is left out" in alive.stderr
    with pair.load(other, streams=0, websockets=0, slow=0, keep_alive=4, one_shot=2) as load:
        pair.hosts[home].unplug()
        refused = fairway("deploy", "production", VERSION="v2", check=False)
        assert refused.returncode == 1
        assert f"`fairway hosts remove {home} --lost`" in refused.stderr
        kept = fairway("hosts", "remove", home, "--lost", check=False)
        assert kept.returncode == 6
        assert "_data is there, and nowhere else" in kept.stderr
        without = fairway("deploy", "production", "--without", home, check=False)
        assert without.returncode == 4
        assert f"db waits for its data, on {home}, which does not answer" in without.stderr
        assert running(pair) == ["web-r2-1", "web-r2-2"], "and nothing that starts empty"
        said = fairway("hosts", "remove", home, "--lost", "--data").stdout
        assert f"should {home} ever come back" in said
        assert running(pair) == ["db-r1-1", "web-r2-1", "web-r2-2"]
        settings = pair.site.directory / "fairway.yaml"
        whole = settings.read_text()
        settings.write_text(re.sub(rf"^ +{home}: .*\n", "", whole, flags=re.MULTILINE))
        fairway("reconcile", "production")
        settings.write_text(whole)
        pair.hosts[home].plug()
        fairway("reconcile", "production")
        assert running(pair) == ["db-r1-1", "web-r2-1", "web-r2-2"]
        assert pair.where()[other], "what has come back is told what has become of it"
    print(load.report.summary())
    assert set(load.report.versions) >= {"v1", "v2"}
    assert load.report.failed <= 16, "those that the host had been asked when it died"


def running(site: FleetSite) -> list[str]:
    prefix = f"{site.site.app}-production-"
    return sorted(name.removeprefix(prefix) for names in site.where().values() for name in names)
