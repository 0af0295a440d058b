"""The gateways of a Swarm under load: no user may notice a change, and every gateway has confirmed it."""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import AsyncExitStack, ExitStack

import pytest
from msgspec.structs import replace

from fairway.conduct.drain import drained
from fairway.gateway.edge import EdgeTls
from fairway.model.edge import Showing
from fairway.model.routes import Backend, RoutingTable
from fairway.net.certificates import placeholder
from tests.lab.host import Host
from tests.load import Report
from tests.real.engines import thorough
from tests.real.raft.conftest import reached
from tests.real.swarmgate.town import Town

pytestmark = pytest.mark.anyio
TLS_PORT = 8443


def none_failed(*reports: Report) -> None:
    assert all(report.failed == 0 for report in reports), [report.summary() for report in reports]


def leaving(old: Backend) -> Backend:
    return replace(old, weight=0, endpoints=tuple(replace(point, draining=True) for point in old.endpoints))


async def roll(town: Town, old: Backend, new: Backend) -> None:
    """One whole rollout: five tables, and a drain."""
    apply = town.traffic.apply
    await apply(town.table(replace(old, weight=100), replace(new, weight=0)))
    await apply(town.table(replace(old, weight=50), replace(new, weight=50)))
    await apply(town.table(replace(old, weight=0), replace(new, weight=100)))
    await apply(town.table(leaving(old), replace(new, weight=100)))
    assert await drained(town.traffic, old.endpoints, 10) == 0
    await apply(town.table(replace(new, weight=100)))


async def test_rollouts_lose_no_request_at_any_gateway(town: Town) -> None:
    old, new = await town.run(1, "v1"), await town.run(2, "v2")
    await town.traffic.apply(town.table(old))
    with ExitStack() as stack:
        loads = [stack.enter_context(town.load(host, websockets=0, streams=0)) for host in town.swarm.hosts]
        for _ in range(2):
            await roll(town, old, new)
            await roll(town, new, old)
    none_failed(*(load.report for load in loads))
    assert all(set(load.report.versions) == {"v1", "v2"} for load in loads)
    print([load.report.summary() for load in loads])


async def test_what_is_live_is_told_and_every_gateway_has_it(town: Town) -> None:
    assert await town.traffic.observe() is None
    table = town.table(await town.run(1, "v1"))
    await town.traffic.apply(table)
    async with AsyncExitStack() as stack:
        other = await town.deployer(stack, *town.swarm.hosts[1:])
        assert await other.observe() == table
    await town.traffic.apply(RoutingTable(environment=town.environment))
    assert await town.traffic.observe() is None


@thorough
async def test_swarm_takes_tasks_away_and_brings_others_without_a_failed_request(town: Town) -> None:
    """Nobody tells the gateways of it."""
    await town.traffic.apply(town.table(await town.run(1, "v1", 4)))
    with town.load(town.swarm.hosts[0], websockets=0, streams=0) as load:
        for count in (1, 4, 2):
            await town.scale(1, count)
            await asyncio.sleep(8)
            await town.backend(1, count)
    none_failed(load.report)


@thorough
async def test_a_gateway_that_was_away_has_the_table_before_it_serves(town: Town) -> None:
    first, away, _ = town.swarm.hosts
    old, new = await town.run(1, "v1"), await town.run(2, "v2")
    await town.traffic.apply(town.table(old))
    with town.load(first, websockets=0, streams=0) as load:
        away.stop()
        await asyncio.sleep(5)  # some requests are in flight to tasks of that host: what it had is lost with it
    with town.load(first, websockets=0, streams=0) as load:
        await town.traffic.apply(town.table(new))
        none_failed(load.stop())
    away.start()
    town.swarm.wait_ready()
    with town.load(away, websockets=0, streams=0, slow=0, one_shot=1, keep_alive=0, pause=0.02) as back:
        await asyncio.sleep(20)
    seen = set(back.report.versions)
    assert seen == {"v2"}, back.report.summary()


@thorough
async def test_certificates_are_shown_by_every_gateway_and_by_those_that_come(town: Town) -> None:
    """One comes without a memory of its own, and nobody deploys then."""
    showing = Showing(certificates=(placeholder("shop.test"),))

    async def known() -> Showing:
        return showing

    async with AsyncExitStack() as stack:
        secure = await town.through(stack, town.managers, EdgeTls(showing=known, port=TLS_PORT))
        await secure.start()
        shown = [await certificate(host) for host in town.swarm.hosts]
        assert shown == [showing.certificates[0].chain] * 3
        assert len(await secure.shown()) == 3
    host = town.swarm.hosts[1]
    [first] = gateways(host)
    host.docker("rm", "-f", first)
    host.docker("volume", "rm", "fairway-gateway", check=False)
    for _ in range(100):
        if gateways(host) not in ([], [first]) and await certificate(host):
            break
        await asyncio.sleep(0.3)
    assert await certificate(host) == showing.certificates[0].chain


def gateways(host: Host) -> list[str]:
    return host.docker("ps", "-q", "--filter", "label=com.docker.swarm.service.name=fairway-gateway").stdout.split()


async def certificate(host: Host) -> str:
    """Nothing where it does not answer."""
    try:
        return await asyncio.to_thread(ssl.get_server_certificate, (host.address, TLS_PORT), timeout=5)
    except OSError:
        return ""


@thorough
async def test_no_process_of_a_deployer_is_left_however_it_ended(town: Town) -> None:
    """Nor does what is left of one keep a processor busy."""
    for count in range(20):
        async with AsyncExitStack() as stack:
            managers = await reached(stack, town.swarm.hosts[count % 3])
            other = await town.through(stack, managers)
            assert await other.observe() is None
            if count % 2:
                managers.docker.cut()
    deadline = time.monotonic() + 30
    while left := [line for host in town.swarm.hosts for line in shells(host)]:
        assert time.monotonic() < deadline, left
        await asyncio.sleep(0.5)


def shells(host: Host) -> list[str]:
    """Those in the gateways and couriers of a host that are not their first process."""
    found = []
    for container in host.docker("ps", "-q", "--filter", "label=fairway.role=gateway").stdout.split():
        listed = host.docker("top", container, "-eo", "pid,time,args").stdout.splitlines()[1:]
        found += [line for line in listed if line.split()[2:] in (["sh"], ["/bin/sh"]) or "reach" in line.split()[2:]]
    return found
