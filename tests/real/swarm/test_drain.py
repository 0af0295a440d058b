"""A node that users come in at is drained under load."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.lab import Host, Swarm
from tests.load.load import Load
from tests.real.deploy.site import HTTP_PORT, Site, make_site
from tests.real.engines import thorough

pytestmark = [thorough, pytest.mark.timeout(600)]
LOAD = {"keep_alive": 4, "one_shot": 4, "slow": 1, "slow_path": "/slow?s=1", "websockets": 0, "streams": 0}
HEALTH = "/.well-known/fairway/health"
EVERY = 1.0


@pytest.fixture
def site(tmp_path: Path, swarm: Swarm) -> Iterator[Site]:
    made = make_site(tmp_path / "site", swarm.hosts[0], engine="swarm", hosts=swarm.hosts)
    yield made
    made.down()
    swarm.empty()


def users(site: Site, host: Host) -> Load:
    return Load(f"http://{host.address}:{HTTP_PORT}", host=f"{site.app}.test", **LOAD)


class Led:
    """Users whom a load balancer leads to a node for as long as its gateway says that it wants them."""

    def __init__(self, load: Load, host: Host) -> None:
        self.load = load
        self.url = f"http://{host.address}:{HTTP_PORT}{HEALTH}"
        self.left = 0.0
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while self._wanted():
            time.sleep(EVERY)
        self.load.stop()
        self.left = time.monotonic()

    def _wanted(self) -> bool:
        try:
            with urllib.request.urlopen(self.url, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def gone(self) -> None:
        self._thread.join(timeout=60)
        assert self.left, "nobody was led away"


@pytest.mark.parametrize("replicas", [1, 3])
def test_nobody_at_other_nodes_sees_it_nor_who_is_led_away(site: Site, swarm: Swarm, replicas: int) -> None:
    """The only replica is on that node; or one of three."""
    site.fairway("ship", "production", VERSION="v1", REPLICAS=str(replicas))
    (name,) = (
        {one["host"] for one in site.json("ps", "production") if one["revision"]["service"] == "web"}
        if (replicas == 1)
        else {swarm.hosts[1].name}
    )
    node = swarm.host(name)
    others = [host for host in swarm.hosts if host is not node]
    try:
        with ExitStack() as stack:
            elsewhere = [stack.enter_context(users(site, host)) for host in others]
            stubborn = stack.enter_context(users(site, node))
            led = Led(stack.enter_context(users(site, node)), node)
            time.sleep(2)
            began = time.monotonic()
            site.fairway("hosts", "drain", name, "--environment", "production")
            took = time.monotonic() - began
            led.gone()
            time.sleep(2)
        print(
            f"{replicas} replicas: drained in {took:.0f} s, led away after {led.left - began:.0f} s; "
            f"elsewhere {[load.report.summary() for load in elsewhere]}; led {led.load.report.summary()}; "
            f"those who stay {stubborn.report.summary()}"
        )
        assert [load.report.failed for load in elsewhere] == [0, 0], [load.report.summary() for load in elsewhere]
        assert led.load.report.failed == 0, led.load.report.summary()
        running = [one["host"] for one in site.json("ps", "production") if one["state"] == "running"]
        assert len(running) == replicas + 1
        assert name not in running
        with users(site, others[0]) as load:
            site.fairway("hosts", "undrain", name, "--environment", "production")
        assert load.report.failed == 0, load.report.summary()
        with users(site, node) as load:
            time.sleep(2)
        assert load.report.failed == 0, load.report.summary()
    finally:
        swarm.manager.docker("node", "update", "--availability", "active", name)
