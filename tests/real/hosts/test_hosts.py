"""fairway hosts, on real engines."""

from __future__ import annotations

import asyncio
import json
import subprocess
from contextlib import aclosing
from typing import Any

import pytest

from fairway.engines.docker.keeper import Keeper
from fairway.net.docker import connect
from tests.lab import Host
from tests.real.hosts.conftest import Fleet, frozen, stopped, unplugged

SLEEP = ["debian:bookworm-slim", "sleep", "infinity"]


@pytest.fixture(scope="module")
def busy(fleet: Fleet) -> Host:
    """A host with a replica of the environment, something else, something that has ended, and the keeper of a ledger."""
    host = fleet.socket
    host.load_base_image()
    ours = ["--label=fairway.app=shop", "--label=fairway.environment=fleet", "--cpu-shares=512"]
    host.docker("run", "-d", "--init", "--name=shop-web", *ours, "--memory-reservation=64m", *SLEEP)
    host.docker("run", "-d", "--init", "--name=other", "--log-opt=max-size=1m", "--cpu-shares=512", *SLEEP)
    host.docker("create", "--name=ended", *SLEEP)
    asyncio.run(kept(host))
    return host


async def kept(host: Host) -> None:
    async with connect(host.url) as docker, aclosing(Keeper(docker, "debian:bookworm-slim", host.name)) as keeper:
        await keeper.run("true")


@pytest.fixture(scope="module")
def told(fleet: Fleet, busy: Host) -> dict[str, Any]:
    """When all is well."""
    return fleet.told(0)


def test_all_is_well(fleet: Fleet, told: dict[str, Any]) -> None:
    assert list(told) == ["socket", "tls", "ssh"]
    for name, host in (("socket", fleet.socket), ("tls", fleet.tls), ("ssh", fleet.ssh)):
        info = json.loads(host.docker("info", "--format", "{{json .}}").stdout)
        facts = told[name]["facts"]
        assert (facts["id"], facts["hostname"], facts["engine"]) == (info["ID"], host.name, info["ServerVersion"])
        assert (facts["os"], facts["kernel"]) == (info["OperatingSystem"], info["KernelVersion"])
        assert (facts["cpus"], facts["memory"]) == (info["NCPU"], info["MemTotal"])
        assert (facts["storage_driver"], facts["cgroup"]) == (info["Driver"], info["CgroupVersion"])
        assert facts["arch"] == info["Architecture"]
        assert facts["api"] == "1.41"
        assert abs(facts["clock"]["ahead"]) <= facts["clock"]["within"] < 10
        assert {finding["level"] for finding in told[name]["findings"]} == {"advice"}
        assert "live-restore" in {finding["key"] for finding in told[name]["findings"]}
    assert (told["tls"]["edge"], told["tls"]["labels"]) == (True, {"zone": "a"})
    assert not told["ssh"]["edge"]


def test_what_runs_and_the_room_that_is_left(busy: Host, told: dict[str, Any]) -> None:
    running = told["socket"]["facts"]["running"]
    assert (running["ours"], running["others"], running["stopped"]) == (1, 2, 1)
    assert (running["cpus"], running["memory"]) == (0.5, 64 << 20)
    assert 0 < running["memory_used"] < 200 << 20
    assert running["endless_logs"] == ["shop-web"]
    rotation = next(finding for finding in told["socket"]["findings"] if finding["key"] == "log-rotation")
    assert rotation["what"] == "nothing rotates the logs of shop-web"

    size = int(busy.docker("image", "inspect", "--format", "{{.Size}}", "debian:bookworm-slim").stdout)
    assert told["socket"]["facts"]["disk_used"] >= size
    assert told["tls"]["facts"]["disk_used"] < size
    data = subprocess.run(
        busy.inside("stat", "-f", "-c", "%S %b", f"{busy.directory}/data"), check=True, capture_output=True, text=True
    )
    block, blocks = map(int, data.stdout.split())
    assert told["socket"]["facts"]["disk"]["size"] == block * blocks
    assert told["tls"]["facts"]["disk"] is None
    assert "Docker's API does not tell it" in told["tls"]["facts"]["unknown"]["disk"]


def test_a_person_sees_the_same(fleet: Fleet, busy: Host) -> None:
    said = fleet.fairway("hosts", "fleet")
    said.expect(
        0,
        "fleet: all 3 hosts answer\n",
        fleet.socket.url,
        fleet.tls.tls_url,
        fleet.sshd.address,
        "zone=a",
        "? tls, ssh: free space: Docker's API does not tell it",
        "! socket, tls, ssh: live-restore is off\n",
        '    → put "live-restore": true into /etc/docker/daemon.json',
    )
    assert "\033" not in said.text


def test_one_is_unplugged_and_one_is_stopped(fleet: Fleet) -> None:
    with unplugged(fleet.tls), stopped(fleet.socket):
        said = fleet.fairway("hosts", "fleet")
    said.expect(
        4,
        "fleet: 1 of 3 hosts answer\n",
        f"✗ socket: No Docker engine answers at {fleet.socket.url}\n"
        "    why: nothing listens there\n"
        "    → start Docker, or name the right address\n",
        f"✗ tls: No Docker engine answers at {fleet.tls.tls_url}\n"
        "    why: no answer within 1.5 s\n"
        "    → check the address, the network, the firewall, and that the host is up\n",
        "! ssh: live-restore is off\n",
    )


def test_one_that_is_frozen_keeps_nobody_waiting(fleet: Fleet) -> None:
    with frozen(fleet.ssh):
        told = fleet.told(4)
    assert [name for name, host in told.items() if host["facts"]] == ["socket", "tls"]
    (finding,) = told["ssh"]["findings"]
    assert (finding["key"], finding["level"]) == ("unreachable", "problem")
    assert finding["why"] == "no answer within 1.5 s"
    assert finding["hint"]


def test_an_ssh_host_that_is_off(fleet: Fleet) -> None:
    with unplugged(fleet.ssh):
        told = fleet.told(4)
    assert told["tls"]["facts"]
    assert told["ssh"]["facts"] is None
    (finding,) = told["ssh"]["findings"]
    assert finding["what"] == f"No way to {fleet.ssh.address} by ssh"
    assert finding["hint"] == "check the address, the network, the firewall, and that the host is up"


def test_none_can_be_asked(fleet: Fleet) -> None:
    said = fleet.fairway("hosts", "lonely")
    said.expect(1, "lonely: its host does not answer\n", "needs TLS", "→ give the host `tls:")
