"""What happens between two gateways while users are there."""

from __future__ import annotations

import asyncio
import time

import pytest

from fairway.model.policy import Ready
from fairway.net.authority import Authority
from fairway.render.envoy_clusters import USER_TIMEOUT
from tests.real.gateway.test_changes import never_interrupted, none_failed
from tests.real.peers.sides import Sides

pytestmark = pytest.mark.anyio


async def test_weights_change_and_streams_last(sides: Sides) -> None:
    """All but one of the changes are of the first host's table; a WebSocket and an event stream are on the second host."""
    await sides.start(0, 3)
    await sides.apply()
    streams = sides.first.load(keep_alive=1, one_shot=1, slow=1)
    more = sides.first.load(keep_alive=6, one_shot=4, slow=4, websockets=0, streams=0, pause=0.02)
    with streams, more:
        sides.first.endpoints = await sides.first.start("here")
        await sides.apply()
        for count in (1, 5, 2, 3):
            await sides.first.traffic.apply(sides.view(sides.first, counted=count))
            await asyncio.sleep(0.4)
    print(f"weights: {more.report.summary()}")
    none_failed(more.report)
    assert set(more.report.versions) == {"here", "there"}
    never_interrupted(streams.report)
    assert (streams.report.websockets.versions, streams.report.streams.versions) == ({"there": 1}, {"there": 1})


async def test_certificates_and_authorities_are_exchanged(sides: Sides) -> None:
    """Three times a new certificate; then another authority, in its three steps."""
    await sides.start(0, 2)
    await sides.apply()
    following = Authority.create()
    before = await sides.second.traffic.certificate()
    with sides.first.load(keep_alive=6, one_shot=6, slow=2, pause=0.02) as load:
        for _ in range(3):
            await sides.identify(sides.authority)
            await asyncio.sleep(0.7)  # kept connections without requests end, so new ones are made
        await sides.identify(sides.authority, following)
        await asyncio.sleep(0.7)
        await sides.identify(following, sides.authority)
        await asyncio.sleep(0.7)
        await sides.identify(following)
        await asyncio.sleep(1.5)
    print(f"certificates: {load.report.summary()}")
    never_interrupted(load.report)
    assert await sides.second.traffic.certificate() != before
    left = sides.second.host.docker("exec", "fairway-gateway", "ls", "-l", "/etc/fairway").stdout
    assert left.count("-key.pem") == 1
    assert all(line.startswith("-rw-------") for line in left.splitlines() if ".pem" in line)
    await sides.first.traffic.identify(sides.authority.issue(sides.first.host.name))
    await asyncio.sleep(3)
    assert await sides.ask(5) == {"503": 5}, "the authority before is not trusted any more"


async def healthy(sides: Sides) -> int:
    """How many endpoints the first gateway sends requests to."""
    asking = "curl -s --unix-socket /run/fairway/admin.sock http://e/clusters"
    said = await asyncio.to_thread(sides.first.host.docker, "exec", "fairway-gateway", "sh", "-c", asking)
    own = [line for line in said.stdout.splitlines() if line.startswith(f"{sides.first.environment.key}.")]
    return sum(line.endswith("::health_flags::healthy") for line in own)


@pytest.mark.parametrize(("ready", "away"), [(Ready(), 17), (Ready(http="/up"), 4)], ids=["unchecked", "checked"])
async def test_traffic_leaves_a_host_that_is_lost_and_comes_back_to_it(sides: Sides, ready: Ready, away: float) -> None:
    """What the host was asked and cannot answer ends after 15 s, unless it is back before."""
    await sides.start(1, 3)
    await sides.apply(ready)
    assert await healthy(sides) == 2
    with sides.first.load(keep_alive=8, one_shot=8, slow=0, websockets=0, streams=0, pause=0.02, timeout=25) as load:
        await asyncio.sleep(1)
        sides.second.host.unplug()
        lost = time.time()
        try:
            while await healthy(sides) == 2:
                pass
            left = time.time() - lost
            quiet = await sides.ask(50)
            await asyncio.sleep(away - (time.time() - lost))
        finally:
            sides.second.host.plug()
        plugged = time.time()
        while await healthy(sides) < 2 or "there" not in await sides.ask(8):
            assert time.time() - plugged < 30, "the host gets nothing, though it is back"
            await asyncio.sleep(0.1)
        back = time.time() - plugged
    ended = sorted(failure.clock - lost for failure in load.report.failures)
    print(
        f"unplugged: {load.report.summary()}\nout after {left:.1f} s, back {back:.1f} s after the plug; failures at {ended}"
    )
    assert quiet == {"here": 50}
    assert left < USER_TIMEOUT, "checks are faster than what TCP gives up after"
    assert load.report.failed <= 16, "no more than were under way: one for each client"
    assert max(ended, default=0) < 25
